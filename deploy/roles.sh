#!/bin/sh
# Run once by the image of PostgreSQL, in an empty data folder: the portal's database, its owner, and the portal's login.
set -eu
psql --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" \
    --set=owner_password="$(cat "$OWNER_PASSWORD_FILE")" \
    --set=login_password="$(cat "$LOGIN_PASSWORD_FILE")" <<'SQL'
CREATE ROLE portal_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';
CREATE ROLE portal LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'login_password';
CREATE DATABASE portal OWNER portal_owner;
REVOKE ALL ON DATABASE portal FROM PUBLIC;
GRANT CONNECT ON DATABASE portal TO portal;
SQL
