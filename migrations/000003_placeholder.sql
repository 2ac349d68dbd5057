-- Stands for the migration of this number from another branch until both are merged.
SELECT;
