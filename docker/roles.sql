-- Run once by the postgres image, in an empty cluster: the roles, and their database.
-- The owner migrates; the others get their rights from the migrations. Nobody signs in as the
-- reader: the application takes it on to read, so that row level security binds it.
\getenv owner_password EKINERJA_OWNER_PASSWORD
\getenv app_password EKINERJA_APP_PASSWORD
\getenv worker_password EKINERJA_WORKER_PASSWORD

CREATE ROLE ekinerja_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE ekinerja_app LOGIN PASSWORD :'app_password';
CREATE ROLE ekinerja_worker LOGIN PASSWORD :'worker_password';
CREATE ROLE ekinerja_reader NOLOGIN;
GRANT ekinerja_reader TO ekinerja_owner, ekinerja_app;

CREATE DATABASE ekinerja OWNER ekinerja_owner;
REVOKE ALL ON DATABASE ekinerja FROM PUBLIC;
GRANT CONNECT ON DATABASE ekinerja TO ekinerja_app, ekinerja_worker;
