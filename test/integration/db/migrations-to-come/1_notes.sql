CREATE TABLE apikeys.notes (
  id   integer PRIMARY KEY,
  text text    NOT NULL
);
