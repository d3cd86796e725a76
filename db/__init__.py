"""The store every stage shares: records in and out, blobs by content, errors, command plumbing."""
