"""Words, tables and documents that people and programs read. Everything returns text; nothing prints."""
