-- The table of SqliteStore. Made by `npm run migrations` from src/stores/sqlite-schema.ts.
CREATE TABLE IF NOT EXISTS "sessions" (
  "id" text PRIMARY KEY NOT NULL,
  "verifier" text NOT NULL,
  "data" text NOT NULL,
  "flash" text,
  "version" integer NOT NULL,
  "created_at" integer NOT NULL,
  "authenticated_at" integer,
  "rotated_at" integer NOT NULL,
  "last_seen_at" integer NOT NULL,
  "expires_at" integer NOT NULL,
  "ends_at" integer,
  "lifetime" text,
  "subject" text,
  "info" text,
  "previous" text
);
CREATE INDEX IF NOT EXISTS "sessions_expires_at" ON "sessions" ("expires_at");
CREATE INDEX IF NOT EXISTS "sessions_subject" ON "sessions" ("subject");
