"""What pages and calls of every app share: errors, strict bodies, paging, rate limits, the client's address."""
