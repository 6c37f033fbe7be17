"""The API of requests: edges that translate, and call the same services as the pages."""
