-- Needs what the migration before it made.
ALTER TABLE apikeys.notes ADD COLUMN written_at timestamptz(3) NOT NULL;
CREATE INDEX notes_written_idx ON apikeys.notes (written_at, id);
