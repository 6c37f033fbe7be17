"""Out of office, by the API."""

from __future__ import annotations

import datetime as dt

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Absence
from accounts.people import person
from accounts.signin import NAME_LENGTH
from pods.absences import absence_of, come_back, go_away
from web.bodies import StrictSerializer, Text, View, read_body
from web.errors import BadInput, FieldError
from web.openapi import answers

DAY = {"format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}


class AbsenceBody(StrictSerializer):
    """From the first day to the end of the last, in the time zone of my profile."""

    first_day = Text(bounds=DAY, help_text="As 2026-01-31.")
    last_day = Text(bounds=DAY, help_text="As 2026-01-31.")
    stand_in = Text(most=NAME_LENGTH, help_text="User name of another manager of a pod that I manage.")


class AbsenceShape(serializers.Serializer[Absence]):
    """An absence that holds or is to come. `holds`: whether it does now."""

    first_day = serializers.DateField()
    last_day = serializers.DateField()
    begins_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    holds = serializers.BooleanField()
    stand_in = serializers.CharField()


class MyAbsenceShape(serializers.Serializer[object]):
    """Mine; null where there is none."""

    absence = AbsenceShape(allow_null=True)


def absence_json(absence: Absence | None) -> dict[str, object] | None:
    """An absence as it is answered."""
    if absence is None:
        return None
    return {
        "first_day": absence.first_day.isoformat(),
        "last_day": absence.last_day.isoformat(),
        "begins_at": absence.begins_at.astimezone(dt.UTC).isoformat(),
        "ends_at": absence.ends_at.astimezone(dt.UTC).isoformat(),
        "holds": absence.holds,
        "stand_in": absence.stand_in.username,
    }


def _day(sent: dict[str, str], name: str) -> dt.date:
    try:
        return dt.datetime.strptime(sent[name], "%Y-%m-%d").date()  # noqa: DTZ007 -- a day, of no zone
    except ValueError as error:
        raise BadInput({name: [FieldError("Send a day, as 2026-01-31.", "invalid_day")]}) from error


class AbsenceView(View):
    """GET, PUT and DELETE `me/absence/`."""

    @extend_schema(operation_id="absence", responses=answers(MyAbsenceShape), tags=["me"])
    def get(self, request: Request) -> Response:
        """Whether I am out of office, or will be."""
        return Response({"absence": absence_json(absence_of(person(request)))})

    @extend_schema(operation_id="go_away", request=AbsenceBody, responses=answers(MyAbsenceShape, 403), tags=["me"])
    def put(self, request: Request) -> Response:
        """Be out of office for some days, with a stand-in. It takes the place of an earlier absence."""
        sent = read_body(AbsenceBody(data=request.data))
        days = {name: _day(sent, name) for name in ("first_day", "last_day")}
        absence = go_away(actor=person(request), stand_in=sent["stand_in"], **days)
        return Response({"absence": absence_json(absence)})

    @extend_schema(operation_id="come_back", request=None, responses=answers(MyAbsenceShape, 409), tags=["me"])
    def delete(self, request: Request) -> Response:
        """Be back at once, or drop an absence that is to come."""
        come_back(actor=person(request))
        return Response({"absence": None})
