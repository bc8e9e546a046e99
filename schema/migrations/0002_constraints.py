"""What Tortoise cannot express: checks, exclusions, append-only history, functions, grants."""

from tortoise import migrations
from tortoise.migrations import operations as ops

EXTENSIONS = "CREATE EXTENSION IF NOT EXISTS btree_gist"

ROLES = """
DO $$
DECLARE
  role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY['ekinerja_app', 'ekinerja_worker'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
    END IF;
  END LOOP;
EXCEPTION
  -- Roles belong to the cluster, so a migration of another database may make them just now.
  WHEN duplicate_object OR unique_violation THEN NULL;
  WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'the roles ekinerja_app and ekinerja_worker are missing and may not be '
      'created here: create them as an administrator, then migrate again';
END
$$
"""

CHECKS = """
ALTER TABLE agency ADD CHECK (code <> '' AND name <> '');
ALTER TABLE employee ADD CHECK (nip ~ '^[0-9]{18}$');
ALTER TABLE unit_placement ADD CHECK (unit_id <> parent_id),
  ADD CHECK (ends_on > starts_on),
  ADD CONSTRAINT unit_placement_once EXCLUDE USING gist
    (unit_id WITH =, daterange(starts_on, ends_on) WITH &&);
ALTER TABLE assignment ADD CHECK (employee_id <> appraiser_id),
  ADD CHECK (ends_on > starts_on),
  ADD CHECK (kind IN ('DEFINITIVE', 'PLT', 'PLH')),
  ADD CONSTRAINT assignment_one_definitive EXCLUDE USING gist
    (employee_id WITH =, daterange(starts_on, ends_on) WITH &&) WHERE (kind = 'DEFINITIVE'),
  ADD CONSTRAINT assignment_one_acting EXCLUDE USING gist
    (employee_id WITH =, unit_id WITH =, daterange(starts_on, ends_on) WITH &&)
    WHERE (kind <> 'DEFINITIVE'),
  ADD CONSTRAINT assignment_one_head EXCLUDE USING gist
    (unit_id WITH =, daterange(starts_on, ends_on) WITH &&) WHERE (heads_unit);
ALTER TABLE role_grant ADD CHECK (role IN ('ADMINISTRATOR', 'AUDITOR', 'CONNECTOR')),
  ADD CHECK ((role = 'CONNECTOR') = (installation_id IS NOT NULL)),
  ADD FOREIGN KEY (installation_id) REFERENCES installation (id) ON DELETE RESTRICT;
CREATE INDEX role_grant_installation ON role_grant (installation_id);
CREATE INDEX employee_superiors ON employee USING gin (superiors);

ALTER TABLE period ADD CHECK (ends_on >= starts_on);
ALTER TABLE target ADD CHECK ((owner_unit_id IS NULL) <> (owner_employee_id IS NULL)),
  ADD CHECK (kind IN ('QUANTITATIVE', 'STAGED'));
ALTER TABLE target_edge ADD CHECK (parent_id <> child_id),
  ADD CHECK (weight > 0 AND weight <= 100),
  ADD CHECK (kind IN ('DIRECT', 'WEIGHTED', 'INDIRECT')),
  ADD CHECK (kind <> 'WEIGHTED' OR weight IS NOT NULL),
  ADD CHECK (kind = 'WEIGHTED' OR achieved IS NULL);
CREATE INDEX target_edge_weighted ON target_edge (parent_id) WHERE kind = 'WEIGHTED';
CREATE UNIQUE INDEX target_edge_one_primary ON target_edge (child_id) WHERE "primary";
ALTER TABLE indicator ADD CHECK (contributes_to_id <> id),
  ADD CHECK (planned >= 0 AND minimum >= 0 AND maximum >= 0),
  ADD CHECK (maximum >= minimum),
  ADD CHECK (own_records >= 0 AND contributing >= own_records),
  ADD CHECK ((own_records = 0) = (own IS NULL)),
  ADD CHECK ((contributing = 0) = (realized IS NULL));
ALTER TABLE trajectory_point ADD CHECK (planned >= 0);
ALTER TABLE stage ADD CHECK (weight > 0);
ALTER TABLE action_plan ADD CHECK (ends_on >= starts_on);

ALTER TABLE working_week ADD CHECK (ends_on >= starts_on),
  ADD CHECK (cardinality(minutes) = 7 AND cardinality(breaks) = 7),
  ADD CHECK (0 <= ALL (minutes) AND 1440 >= ALL (minutes) AND 0 <= ALL (breaks));
ALTER TABLE holiday ADD CHECK (kind IN ('PUBLIC_HOLIDAY', 'JOINT_LEAVE', 'WORKING_DAY'));
ALTER TABLE agency_policy ADD CHECK (achievement_cap >= 100),
  ADD CHECK (on_track_share > 0 AND on_track_share <= 100),
  ADD CHECK (effective_share > 0 AND effective_share <= 100),
  ADD CHECK (late_entries IN ('REFUSED', 'MARKED', 'REASON')),
  ADD CHECK (entry_days >= 0 AND filling_days >= 0 AND plan_days >= 0),
  ADD CHECK (recognized_minutes > 0),
  ADD CHECK (active_minutes > 0 AND flexible_minutes >= 0 AND notices_per_day >= 0),
  ADD CHECK (objection_days >= 0 AND smallest_feedback_group >= 2);

ALTER TABLE performance_plan ADD CHECK (ends_on >= starts_on),
  ADD CHECK (version > 0),
  ADD CHECK (state IN ('DRAFT', 'SUBMITTED', 'APPROVED', 'RETURNED', 'CLOSED'));
ALTER TABLE evaluation_period ADD CHECK (ends_on >= starts_on AND filling_until >= ends_on),
  ADD CHECK (number > 0),
  -- An agency evaluates monthly or quarterly in a year, never both; its periods do not overlap.
  ADD CONSTRAINT evaluation_period_one_kind EXCLUDE USING gist
    (period_id WITH =, kind WITH <>) WHERE (kind <> 'FINAL'),
  ADD CONSTRAINT evaluation_period_once EXCLUDE USING gist
    (period_id WITH =, daterange(starts_on, ends_on, '[]') WITH &&) WHERE (kind <> 'FINAL');
ALTER TABLE feedback ADD CHECK (target_id IS NULL OR behaviour IS NULL);
ALTER TABLE role_matrix ADD CHECK ((published_at IS NULL) = (publication IS NULL));
ALTER TABLE matrix_cell ADD CHECK (kind IN ('DIRECT', 'WEIGHTED', 'INDIRECT')),
  ADD CHECK (weight > 0 AND weight <= 100),
  ADD CHECK ((kind = 'WEIGHTED') = (weight IS NOT NULL)),
  ADD CHECK (share >= 0),
  ADD CHECK ((indicator_id IS NULL) = (share IS NULL)),
  ADD CHECK (share IS NULL OR kind = 'DIRECT');

ALTER TABLE installation ADD CHECK (poll_seconds BETWEEN 1 AND 86400);
ALTER TABLE installation ADD CHECK (breaker IN ('CLOSED', 'OPEN', 'HALF_OPEN')),
  ADD CHECK (breaker = 'CLOSED' OR opened_at IS NOT NULL);
ALTER TABLE installation ADD CHECK ((webhook_secret IS NULL) OR (webhook_secret <> ''));
ALTER TABLE dead_letter ADD CHECK (note IS NULL OR resolved_at IS NOT NULL);
ALTER TABLE connector_problem ADD CHECK (times > 0 AND last_at >= first_at);
CREATE UNIQUE INDEX connector_problem_open ON connector_problem (installation_id, code)
  WHERE resolved_at IS NULL;
CREATE INDEX connector_task_open ON connector_task (installation_id, id)
  WHERE state IN ('QUEUED', 'RUNNING');
ALTER TABLE clock_event ADD CHECK (direction IN ('IN', 'OUT')),
  ADD FOREIGN KEY (installation_id) REFERENCES installation (id) ON DELETE RESTRICT;
ALTER TABLE absence ADD CHECK (ends_on >= starts_on),
  ADD CHECK (kind IN ('LEAVE', 'SICKNESS', 'DUTY_TRAVEL', 'UNEXCUSED')),
  ADD CHECK (state IN ('REPORTED', 'ACCEPTED', 'REFUSED', 'WITHDRAWN')),
  ADD CHECK ((from_time IS NULL) = (until_time IS NULL)),
  ADD CHECK (from_time IS NULL OR (until_time > from_time AND ends_on = starts_on)),
  ADD CHECK ((state IN ('ACCEPTED', 'REFUSED')) <= (decided_by IS NOT NULL)),
  ADD CHECK ((decided_by IS NULL) = (decided_at IS NULL));
CREATE INDEX absence_counting ON absence (employee_id, ends_on)
  WHERE state IN ('REPORTED', 'ACCEPTED');
-- What waits for a superior is little of all that there is.
CREATE INDEX absence_waiting ON absence (id) WHERE state = 'REPORTED';
ALTER TABLE absence_event ADD CHECK (state IN ('REPORTED', 'ACCEPTED', 'REFUSED', 'WITHDRAWN'));
ALTER TABLE day_close ADD CHECK
  (required_minutes >= 0 AND recorded_minutes >= 0 AND pending_count >= 0);
CREATE INDEX day_close_day ON day_close (agency_id, day);
-- All that a unit's board counts is in the index: the days of a unit lie together there, while in the
-- table they are scattered among those of the whole agency.
CREATE INDEX day_close_unit ON day_close (unit_id, day) INCLUDE (agency_id, employee_id, status,
  required_minutes, recorded_minutes, pending_count, unit_path, superior_ids);
CREATE INDEX day_close_team ON day_close USING gin (appraiser_ids);
CREATE INDEX daily_log_latest ON daily_log (last_activity_at);
-- The clock asks a few seconds at a time whose latest sign of work has just become too old.
CREATE INDEX clock_event_latest ON clock_event (at) WHERE direction = 'IN';
CREATE INDEX absence_of_part ON absence (starts_on) WHERE from_time IS NOT NULL;
ALTER TABLE notice_delivery ADD CHECK (attempts >= 0),
  ADD CHECK (state IN ('WAITING', 'DELIVERED', 'FAILED')),
  ADD CHECK ((state = 'DELIVERED') = (delivered_at IS NOT NULL)),
  ADD FOREIGN KEY (installation_id) REFERENCES installation (id) ON DELETE RESTRICT;
ALTER TABLE notice ADD CHECK (kind IN ('DIGEST', 'NUDGE')), ADD CHECK (subject !~ '[[:cntrl:]]');
ALTER TABLE notice_round ADD CHECK (kind IN ('DIGEST', 'NUDGE'));
ALTER TABLE contact ADD CHECK (muted <@ ARRAY['DIGEST', 'NUDGE']),
  ADD CHECK (address !~ '[[:cntrl:]]' AND address <> ''),
  ADD CHECK ((set_by IS NULL) = (set_at IS NULL));
CREATE INDEX notice_delivery_failed ON notice_delivery (due_at) WHERE state = 'FAILED';
CREATE INDEX notice_delivery_delivered ON notice_delivery (delivered_at)
  WHERE state = 'DELIVERED';
-- Which zones an agency's people are in, and the people of one in the order of their keys.
CREATE INDEX employee_zone ON employee (agency_id, timezone, id);
CREATE INDEX notice_delivery_waiting ON notice_delivery (installation_id, due_at)
  WHERE state = 'WAITING';
ALTER TABLE mapping_rule ADD CHECK (position > 0),
  ADD CHECK (plugin IS NOT NULL OR activity_kind IS NOT NULL OR words IS NOT NULL);
ALTER TABLE progress_record ADD CHECK (ends_at >= starts_at),
  ADD CHECK ((suggested_target_id IS NULL) = (suggestion_origin IS NULL)),
  ADD CHECK (ends_at <= starts_at + interval '24 hours'),
  ADD CHECK (minutes = floor(extract(epoch FROM ends_at - starts_at) / 60)),
  ADD CHECK (state IN
    ('PENDING', 'CONFIRMED', 'DISMISSED', 'RETURNED', 'SUPERSEDED', 'RETRACTED')),
  ADD CHECK ((indicator_id IS NULL) = (quantity IS NULL)),
  ADD CHECK (quantity >= 0),
  ADD CHECK (indicator_id IS NULL OR stage_id IS NULL),
  ADD CHECK (target_id IS NOT NULL OR (indicator_id IS NULL AND stage_id IS NULL)),
  ADD CHECK (target_id IS NOT NULL OR action_plan_id IS NULL),
  ADD CONSTRAINT progress_record_no_overlap EXCLUDE USING gist
    (employee_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (state = 'CONFIRMED');
-- What most records lack is not indexed as lacking: a pending record costs five entries fewer.
CREATE INDEX progress_record_target ON progress_record (target_id) WHERE target_id IS NOT NULL;
CREATE INDEX progress_record_indicator ON progress_record (indicator_id)
  WHERE indicator_id IS NOT NULL;
CREATE INDEX progress_record_stage ON progress_record (stage_id) WHERE stage_id IS NOT NULL;
CREATE INDEX progress_record_suggested ON progress_record (suggested_target_id)
  WHERE suggested_target_id IS NOT NULL;
CREATE INDEX progress_record_action_plan ON progress_record (action_plan_id)
  WHERE action_plan_id IS NOT NULL;
CREATE INDEX progress_record_activity ON progress_record (activity_id);
CREATE UNIQUE INDEX progress_record_one_an_activity ON progress_record (activity_id)
  WHERE supersedes_id IS NULL;
CREATE UNIQUE INDEX progress_record_one_successor ON progress_record (supersedes_id)
  WHERE supersedes_id IS NOT NULL;
CREATE INDEX progress_record_pending ON progress_record (employee_id, id)
  WHERE state = 'PENDING';
ALTER TABLE daily_log ADD CHECK
  (required_minutes >= 0 AND recorded_minutes >= 0 AND pending_minutes >= 0
   AND pending_count >= 0);
CREATE INDEX inbox_item_waiting ON inbox_item (installation_id, id) WHERE processed_at IS NULL;
CREATE INDEX dead_letter_open ON dead_letter (installation_id, id) WHERE resolved_at IS NULL;
CREATE INDEX event_unstamped ON event (id) WHERE position IS NULL;

ALTER TABLE unit_rating ADD CHECK (version > 0),
  ADD CHECK (predicate IN ('OUTSTANDING', 'GOOD', 'NEEDS_IMPROVEMENT', 'POOR', 'VERY_POOR'));
ALTER TABLE appraisal ADD CHECK (ends_on >= starts_on AND version > 0),
  ADD CHECK (employee_id <> appraiser_id),
  ADD CHECK (state IN ('OPEN', 'RATED', 'ACCEPTED', 'OBJECTED', 'DECIDED', 'SIGNED')),
  ADD CHECK (work_rating IN ('ABOVE', 'MEETS', 'BELOW')),
  ADD CHECK (behaviour_rating IN ('ABOVE', 'MEETS', 'BELOW')),
  ADD CHECK ((state = 'OPEN') = (rated_at IS NULL) AND (state = 'SIGNED') = (signed_at IS NOT NULL)),
  ADD CHECK ((rated_at IS NULL) = (work_rating IS NULL)
    AND (rated_at IS NULL) = (behaviour_rating IS NULL)),
  -- The matrix of ratings (PermenPANRB 6/2022) once more: no path writes another predicate.
  ADD CONSTRAINT appraisal_matrix CHECK (predicate IS NOT DISTINCT FROM CASE
    WHEN work_rating IS NULL OR behaviour_rating IS NULL THEN NULL
    WHEN work_rating = 'BELOW' AND behaviour_rating = 'BELOW' THEN 'VERY_POOR'
    WHEN work_rating = 'BELOW' THEN 'NEEDS_IMPROVEMENT'
    WHEN behaviour_rating = 'BELOW' THEN 'POOR'
    WHEN work_rating = 'ABOVE' AND behaviour_rating = 'ABOVE' THEN 'EXCELLENT'
    ELSE 'GOOD' END);
-- What waits to be signed is little of all that there is.
CREATE INDEX appraisal_unsigned ON appraisal (evaluation_period_id, id) WHERE state <> 'SIGNED';
ALTER TABLE appraisal_line ADD CHECK ((target_id IS NULL) <> (behaviour IS NULL)),
  ADD CHECK (rating IN ('ABOVE', 'MEETS', 'BELOW'));
-- Nothing is kept under another digest than its own.
ALTER TABLE appraisal_seal
  ADD CHECK (digest = encode(sha256(convert_to(document, 'UTF8')), 'hex'));
ALTER TABLE feedback_request ADD CHECK (relation IN ('PEER', 'SUBORDINATE')),
  ADD CHECK (smallest_group >= 2);
ALTER TABLE feedback_answer ADD CHECK (score BETWEEN 1 AND 5);
ALTER TABLE result_delivery ADD CHECK (attempts >= 0),
  ADD CHECK (state IN ('WAITING', 'RECEIVED', 'FAILED', 'SKIPPED')),
  ADD CHECK ((state = 'RECEIVED') = (received_at IS NOT NULL));
CREATE INDEX result_delivery_waiting ON result_delivery (installation_id, retry_at NULLS FIRST, id)
  WHERE state = 'WAITING';
-- What an administrator looks for; most were received.
CREATE INDEX result_delivery_failed ON result_delivery (installation_id, id)
  WHERE state = 'FAILED';
ALTER TABLE rule_set ADD CHECK (version > 0),
  ADD CHECK (kind IN ('WEIGHT', 'CREDIT', 'TALENT', 'TRAINING', 'ALLOWANCE')),
  ADD CHECK (digest = encode(sha256(convert_to(body, 'UTF8')), 'hex'));
ALTER TABLE career ADD CHECK (employment IN ('PNS', 'CPNS', 'PPPK', 'PPPK_PART_TIME')),
  ADD CHECK (job_class BETWEEN 1 AND 17),
  ADD CHECK (allowance_base >= 0 AND credit_brought >= 0);
ALTER TABLE potential_score ADD CHECK (score BETWEEN 0 AND 100);
ALTER TABLE training_record ADD CHECK (hours > 0);
ALTER TABLE consequence ADD CHECK (version > 0),
  ADD CHECK (kind IN ('WEIGHT', 'CREDIT', 'TALENT', 'TRAINING', 'ALLOWANCE')),
  ADD CHECK ((kind = 'ALLOWANCE') = (month IS NOT NULL)),
  ADD CHECK (digest = encode(sha256(convert_to(document, 'UTF8')), 'hex'));
CREATE UNIQUE INDEX consequence_current
  ON consequence (employee_id, period_id, kind, coalesce(month, '0001-01-01'::date))
  WHERE superseded_at IS NULL;
"""

HISTORY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON activity
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON retraction
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keep_all BEFORE DELETE OR TRUNCATE ON clock_event
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON record_event
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON plan_event
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON evaluation_event
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON feedback
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON connector_event
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON agency_policy
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON day_close
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON unit_rating
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON appraisal_event
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON appraisal_seal
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON feedback_answer
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON rule_set
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON career
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON potential_score
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON training_record
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consequence_basis
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keep_all BEFORE DELETE OR TRUNCATE ON appraisal
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keep_all BEFORE DELETE OR TRUNCATE ON feedback_request
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keep_all BEFORE DELETE OR TRUNCATE ON result_delivery
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keep_all BEFORE DELETE OR TRUNCATE ON consequence
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON token_revocation
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keep_all BEFORE DELETE OR TRUNCATE ON absence
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON absence_event
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keep_all BEFORE DELETE OR TRUNCATE ON day_done
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keep_all BEFORE DELETE OR TRUNCATE ON notice
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keep_all BEFORE DELETE OR TRUNCATE ON inbox_item
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keep_all BEFORE DELETE OR TRUNCATE ON progress_record
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keep_all BEFORE DELETE OR TRUNCATE ON event
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION keep_source_facts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.id, NEW.installation_id, NEW.source_id, NEW.kind, NEW.body::text, NEW.body_hash,
      NEW.received_at)
     IS DISTINCT FROM
     (OLD.id, OLD.installation_id, OLD.source_id, OLD.kind, OLD.body::text, OLD.body_hash,
      OLD.received_at)
  THEN
    RAISE EXCEPTION 'what a source said is never rewritten' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END
$$;
-- Settling an item names none of these columns, and is not asked for each row.
CREATE TRIGGER keep_source_facts
  BEFORE UPDATE OF id, installation_id, source_id, kind, body, body_hash, received_at
  ON inbox_item FOR EACH ROW EXECUTE FUNCTION keep_source_facts();

-- A decided record keeps its content: only its state moves on, and a correction is a new row.
CREATE FUNCTION keep_decided_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state <> 'PENDING' AND
     to_jsonb(NEW) - 'state' - 'decided_at' IS DISTINCT FROM
     to_jsonb(OLD) - 'state' - 'decided_at'
  THEN
    RAISE EXCEPTION 'a decided record is corrected by a new one, never rewritten'
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF (NEW.activity_id, NEW.employee_id, NEW.agency_id, NEW.created_at) IS DISTINCT FROM
     (OLD.activity_id, OLD.employee_id, OLD.agency_id, OLD.created_at)
  THEN
    RAISE EXCEPTION 'a record stays with its employee and its activity'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER keep_decided_record BEFORE UPDATE ON progress_record
  FOR EACH ROW EXECUTE FUNCTION keep_decided_record();

-- Only a plan in the making loses results; what was agreed stays, and goals of units do.
CREATE FUNCTION keep_agreed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  of_target uuid := (to_jsonb(OLD) ->> TG_ARGV[0])::uuid;
BEGIN
  IF EXISTS (SELECT FROM target t LEFT JOIN performance_plan p ON p.id = t.plan_id
    WHERE t.id = of_target AND coalesce(p.state, 'APPROVED') IN ('APPROVED', 'CLOSED'))
  THEN
    RAISE EXCEPTION 'what was agreed is not deleted: % of target %', TG_TABLE_NAME, of_target
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN OLD;
END
$$;
CREATE TRIGGER keep_agreed BEFORE DELETE ON target
  FOR EACH ROW EXECUTE FUNCTION keep_agreed('id');
CREATE TRIGGER keep_agreed BEFORE DELETE ON target_edge
  FOR EACH ROW EXECUTE FUNCTION keep_agreed('child_id');
CREATE TRIGGER keep_agreed BEFORE DELETE ON indicator
  FOR EACH ROW EXECUTE FUNCTION keep_agreed('target_id');
CREATE TRIGGER keep_agreed BEFORE DELETE ON stage
  FOR EACH ROW EXECUTE FUNCTION keep_agreed('target_id');

CREATE FUNCTION only_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.position IS NOT NULL OR NEW.position IS NULL
     OR to_jsonb(NEW) - 'position' IS DISTINCT FROM to_jsonb(OLD) - 'position'
  THEN
    RAISE EXCEPTION 'an event is stamped once and never changed'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER only_stamp BEFORE UPDATE ON event
  FOR EACH ROW EXECUTE FUNCTION only_stamp();

-- Signed, an appraisal and what its ratings rest on change no more.
CREATE FUNCTION keep_signed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state = 'SIGNED' THEN
    RAISE EXCEPTION 'a signed appraisal changes no more' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER keep_signed BEFORE UPDATE ON appraisal
  FOR EACH ROW EXECUTE FUNCTION keep_signed();
CREATE FUNCTION keep_signed_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (TG_OP <> 'INSERT'
      AND (SELECT a.state FROM appraisal a WHERE a.id = OLD.appraisal_id) = 'SIGNED')
    OR (TG_OP <> 'DELETE'
      AND (SELECT a.state FROM appraisal a WHERE a.id = NEW.appraisal_id) = 'SIGNED')
  THEN
    RAISE EXCEPTION 'a signed appraisal changes no more' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER keep_signed BEFORE INSERT OR UPDATE OR DELETE ON appraisal_line
  FOR EACH ROW EXECUTE FUNCTION keep_signed_line();

-- A seal is made by the signature and with it, not before and not later. Once for all of a
-- statement, which signs and seals.
CREATE FUNCTION only_signed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM sealed s JOIN appraisal a ON a.id = s.appraisal_id
    WHERE a.state <> 'SIGNED' OR a.signed_at <> s.sealed_at)
  THEN
    RAISE EXCEPTION 'an appraisal is sealed by its signature' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER only_signed AFTER INSERT ON appraisal_seal
  REFERENCING NEW TABLE AS sealed FOR EACH STATEMENT EXECUTE FUNCTION only_signed();

-- Feedback that counts once is never changed: answered once, before the appraisal is signed.
CREATE FUNCTION only_answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.answered_at IS NOT NULL OR NEW.answered_at IS NULL
     OR (SELECT a.state FROM appraisal a WHERE a.id = NEW.appraisal_id) = 'SIGNED'
  THEN
    RAISE EXCEPTION 'feedback is given once, before the appraisal is signed'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER only_answer BEFORE UPDATE ON feedback_request
  FOR EACH ROW EXECUTE FUNCTION only_answer();
CREATE FUNCTION only_unsigned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM feedback_request q JOIN appraisal a ON a.id = q.appraisal_id
    WHERE q.id = NEW.request_id AND a.state = 'SIGNED')
  THEN
    RAISE EXCEPTION 'feedback is given before the appraisal is signed'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER only_unsigned BEFORE INSERT ON feedback_answer
  FOR EACH ROW EXECUTE FUNCTION only_unsigned();

-- What was worked out stays; it is superseded once.
CREATE FUNCTION only_supersede() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.superseded_at IS NOT NULL OR NEW.superseded_at IS NULL
     OR to_jsonb(NEW) - 'superseded_at' IS DISTINCT FROM to_jsonb(OLD) - 'superseded_at'
  THEN
    RAISE EXCEPTION 'a consequence is superseded once and never changed'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER only_supersede BEFORE UPDATE ON consequence
  FOR EACH ROW EXECUTE FUNCTION only_supersede();
"""

# Planned while a load has put nothing into the statistics yet, the walk would read the whole table
# at each step: it goes by the index.
GRAPH = """
CREATE FUNCTION refuse_cycle() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  IF EXISTS (
    WITH RECURSIVE up (id) AS (
      SELECT NEW.parent_id
      UNION
      SELECT e.parent_id FROM target_edge e JOIN up ON e.child_id = up.id
    )
    SELECT FROM up WHERE id = NEW.child_id
  ) THEN
    RAISE EXCEPTION 'this edge closes a cycle in the target graph'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'target_edge_no_cycle';
  END IF;
  RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER refuse_cycle AFTER INSERT OR UPDATE ON target_edge
  DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW EXECUTE FUNCTION refuse_cycle();

-- employee.superiors of an agency as the assignments of a day give it, nearest first.
CREATE FUNCTION refresh_reporting_lines(of_agency uuid, on_day date) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  changed bigint;
BEGIN
  WITH RECURSIVE reports_to AS (
    SELECT DISTINCT a.employee_id, a.appraiser_id
    FROM assignment a JOIN employee e ON e.id = a.employee_id
    WHERE e.agency_id = of_agency AND a.appraiser_id IS NOT NULL
      AND a.starts_on <= on_day AND (a.ends_on IS NULL OR a.ends_on > on_day)
  ), up AS (
    SELECT employee_id, appraiser_id AS superior_id, 1 AS distance,
           ARRAY[employee_id, appraiser_id] AS seen
    FROM reports_to
    UNION ALL
    SELECT up.employee_id, r.appraiser_id, up.distance + 1, up.seen || r.appraiser_id
    FROM up JOIN reports_to r ON r.employee_id = up.superior_id
    WHERE r.appraiser_id <> ALL (up.seen)
  ), nearest AS (
    SELECT employee_id, superior_id, min(distance) AS distance FROM up GROUP BY 1, 2
  ), line AS (
    SELECT employee_id, array_agg(superior_id ORDER BY distance, superior_id) AS superiors
    FROM nearest GROUP BY 1
  )
  UPDATE employee e SET superiors = coalesce(line.superiors, '{}')
  FROM employee before LEFT JOIN line ON line.employee_id = before.id
  WHERE before.id = e.id AND e.agency_id = of_agency
    AND e.superiors IS DISTINCT FROM coalesce(line.superiors, '{}');
  GET DIAGNOSTICS changed = ROW_COUNT;
  RETURN changed;
END
$$;
"""

WORKING_TIME = """
-- What accepted leave takes off a day of `working` minutes: `schema/policies/rules.py` says it in
-- words. The times are local; none: all of the day.
CREATE FUNCTION excused_minutes(
  working integer, begins_at time, pause integer, from_time time, until_time time
) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN from_time IS NULL THEN working
    WHEN working + pause = 0 THEN 0
    ELSE greatest(0, floor((2 * working * (
        least(extract(epoch FROM until_time)::int / 60,
          extract(epoch FROM begins_at)::int / 60 + working + pause)
        - greatest(extract(epoch FROM from_time)::int / 60,
          extract(epoch FROM begins_at)::int / 60)
      ) + working + pause)::numeric / (2 * (working + pause)))::int)
  END
$$;

-- What the accepted absences of a person take off one day.
CREATE FUNCTION excused_of(
  of_employee uuid, on_day date, working integer, begins_at time, pause integer, travel boolean
) RETURNS integer LANGUAGE sql STABLE AS $$
  SELECT least(working, coalesce(sum(
    excused_minutes(working, begins_at, pause, a.from_time::time, a.until_time::time)), 0))::int
  FROM absence a
  WHERE a.employee_id = of_employee AND a.state = 'ACCEPTED' AND a.starts_on <= on_day
    AND a.ends_on >= on_day
    AND (a.kind IN ('LEAVE', 'SICKNESS') OR (a.kind = 'DUTY_TRAVEL' AND travel))
$$;

-- The policy of an agency that holds on a day; no row: it has said nothing.
CREATE FUNCTION policy_on(of_agency uuid, on_day date) RETURNS SETOF agency_policy
LANGUAGE sql STABLE ROWS 1 AS $$
  SELECT p.* FROM agency_policy p WHERE p.agency_id = of_agency AND p.starts_on <= on_day
  ORDER BY p.starts_on DESC, p.id DESC LIMIT 1
$$;

-- What each day of a range asks for before leave: `schema/policies/rules.py` says the same of
-- values. The week of the nearest unit, else the agency's; one with an end before one without; the
-- one that began last. Holidays count where the week observes them. Of an agency whose units have
-- no weeks of their own it is the same for everybody, and `of_employee` is not looked at. Pauses
-- and begins, which only leave by the hour needs, are empty where they are not asked for.
CREATE FUNCTION asked_days(
  of_agency uuid, of_employee uuid, first_day date, last_day date, with_times boolean,
  OUT minutes integer[], OUT pauses integer[], OUT begins time[]
)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  off date[];
  has_weeks boolean;
  has_units boolean;
  line uuid[] := '{}';
  since date := first_day;
  until date;
  week record;
  monday CONSTANT date := '0001-01-01';
BEGIN
  minutes := '{}';
  pauses := '{}';
  begins := '{}';
  SELECT count(*) > 0, count(w.unit_id) > 0 INTO has_weeks, has_units FROM working_week w
  WHERE w.agency_id = of_agency AND w.starts_on <= last_day
    AND (w.ends_on IS NULL OR w.ends_on >= first_day);
  off := ARRAY(SELECT h.day FROM holiday h WHERE h.agency_id = of_agency
    AND h.day BETWEEN first_day AND last_day AND h.kind <> 'WORKING_DAY');
  WHILE since <= last_day LOOP
    IF has_units THEN
      -- The unit of the first day's post and those above it, the nearest first.
      WITH RECURSIVE up (unit_id, distance) AS (
        (SELECT a.unit_id, 0 FROM assignment a WHERE a.employee_id = of_employee
           AND a.starts_on <= since AND (a.ends_on IS NULL OR a.ends_on > since)
         ORDER BY a.kind, a.starts_on DESC, a.id DESC LIMIT 1)
        UNION ALL
        SELECT p.parent_id, up.distance + 1 FROM up JOIN unit_placement p ON p.unit_id = up.unit_id
        WHERE p.parent_id IS NOT NULL AND p.starts_on <= since
          AND (p.ends_on IS NULL OR p.ends_on > since)
      )
      SELECT coalesce(array_agg(up.unit_id ORDER BY up.distance), '{}') INTO line FROM up;
    END IF;
    until := last_day;
    IF has_weeks AND since < last_day THEN
      -- The first day on which another week, post or place may hold: from there it is asked anew.
      SELECT coalesce(min(c.day) - 1, last_day) INTO until FROM (
        SELECT unnest(ARRAY[w.starts_on, w.ends_on + 1]) FROM working_week w
        WHERE w.agency_id = of_agency AND (w.unit_id IS NULL OR w.unit_id = ANY (line))
        UNION ALL
        SELECT unnest(ARRAY[a.starts_on, a.ends_on]) FROM assignment a
        WHERE has_units AND a.employee_id = of_employee
        UNION ALL
        SELECT unnest(ARRAY[p.starts_on, p.ends_on]) FROM unit_placement p
        WHERE has_units AND p.unit_id = ANY (line)
      ) c (day) WHERE c.day > since AND c.day <= last_day;
    END IF;
    SELECT w.minutes, w.breaks, w.begins_at::time AS begins, w.observes_holidays AS observes
    INTO week FROM working_week w
    WHERE has_weeks AND w.agency_id = of_agency
      AND (w.unit_id IS NULL OR w.unit_id = ANY (line))
      AND w.starts_on <= since AND (w.ends_on IS NULL OR w.ends_on >= since)
    ORDER BY array_position(line, w.unit_id) NULLS LAST, w.ends_on IS NULL, w.starts_on DESC,
      w.id DESC LIMIT 1;
    week.minutes := coalesce(week.minutes, '{450,450,450,450,450,0,0}');
    minutes := minutes || ARRAY(SELECT CASE
        WHEN coalesce(week.observes, true) AND since + n = ANY (off) THEN 0
        ELSE week.minutes[1 + (since + n - monday) % 7] END
      FROM generate_series(0, until - since) n);
    IF with_times THEN
      week.breaks := coalesce(week.breaks, '{60,60,60,60,90,0,0}');
      pauses := pauses || ARRAY(SELECT week.breaks[1 + (since + n - monday) % 7]
        FROM generate_series(0, until - since) n);
      begins := begins || array_fill(coalesce(week.begins, '07:30'), ARRAY[until - since + 1]);
    END IF;
    since := until + 1;
  END LOOP;
END
$$;

-- The same less what the person's accepted absences take off each of these days.
CREATE FUNCTION less_absences(
  of_employee uuid, of_agency uuid, first_day date, asked integer[], pauses integer[], begins time[]
) RETURNS integer[]
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  left_over integer[] := asked;
  off record;
BEGIN
  FOR off IN
    SELECT d.n, sum(excused_minutes(asked[d.n], begins[d.n], pauses[d.n], a.from_time::time,
      a.until_time::time)) AS minutes
    FROM absence a CROSS JOIN LATERAL generate_series(greatest(a.starts_on - first_day, 0) + 1,
      least(a.ends_on - first_day + 1, cardinality(asked))) d (n)
    WHERE a.employee_id = of_employee AND a.state = 'ACCEPTED'
      AND a.starts_on < first_day + cardinality(asked) AND a.ends_on >= first_day
      AND asked[d.n] > 0 AND (a.kind IN ('LEAVE', 'SICKNESS') OR (a.kind = 'DUTY_TRAVEL'
        AND coalesce((SELECT p.duty_travel_excuses
          FROM policy_on(of_agency, first_day + d.n - 1) p), true)))
    GROUP BY d.n
  LOOP
    left_over[off.n] := greatest(asked[off.n] - off.minutes, 0);
  END LOOP;
  RETURN left_over;
END
$$;

-- Minutes that each day of a range asks of a person. Not secret, so no viewer is asked. For a range
-- at once: with a call for each day a calendar takes several times as long.
CREATE FUNCTION required_days(of_employee uuid, first_day date, last_day date) RETURNS integer[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  of_agency uuid;
  is_away boolean;
  asked integer[];
  pauses integer[];
  begins time[];
BEGIN
  SELECT e.agency_id, EXISTS (SELECT FROM absence a WHERE a.employee_id = e.id
    AND a.state = 'ACCEPTED' AND a.starts_on <= last_day AND a.ends_on >= first_day) 
  INTO of_agency, is_away FROM employee e WHERE e.id = of_employee;
  SELECT d.minutes, d.pauses, d.begins INTO asked, pauses, begins
  FROM asked_days(of_agency, of_employee, first_day, last_day, is_away) d;
  IF is_away THEN
    RETURN less_absences(of_employee, of_agency, first_day, asked, pauses, begins);
  END IF;
  RETURN asked;
END
$$;

CREATE FUNCTION required_minutes(of_employee uuid, on_day date) RETURNS integer
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  RETURN (required_days(of_employee, on_day, on_day))[1];
END
$$;

-- What a day is for each of some people, before leave, and how their agency counts on it. Not
-- secret, so no viewer is asked. Weeks are looked up once a unit, not once a person.
CREATE FUNCTION working_days(of_employees uuid[], on_day date) RETURNS TABLE (
  employee_id uuid, unit_id uuid, timezone varchar, working_minutes integer, holiday boolean,
  begins_at time, break_minutes integer, active_minutes integer, flexible_minutes integer,
  duty_travel_excuses boolean
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp ROWS 20 AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH RECURSIVE person AS MATERIALIZED (
    SELECT e.id, e.agency_id, e.timezone, p.unit_id
    FROM unnest(of_employees) k (id) JOIN employee e ON e.id = k.id
    LEFT JOIN LATERAL (
      SELECT a.unit_id FROM assignment a WHERE a.employee_id = e.id AND a.starts_on <= on_day
        AND (a.ends_on IS NULL OR a.ends_on > on_day)
      ORDER BY a.kind, a.starts_on DESC, a.id DESC LIMIT 1
    ) p ON true
  ), place AS MATERIALIZED (
    SELECT DISTINCT agency_id, unit_id FROM person
  ), up (of_unit, unit_id, distance) AS (
    SELECT unit_id, unit_id, 0 FROM place WHERE unit_id IS NOT NULL
      AND EXISTS (SELECT FROM working_week w WHERE w.agency_id = place.agency_id
        AND w.unit_id IS NOT NULL)
    UNION ALL
    SELECT up.of_unit, l.parent_id, up.distance + 1 FROM up
    JOIN unit_placement l ON l.unit_id = up.unit_id
    WHERE l.parent_id IS NOT NULL AND l.starts_on <= on_day
      AND (l.ends_on IS NULL OR l.ends_on > on_day)
  ), day AS MATERIALIZED (
    SELECT place.agency_id, place.unit_id,
      (coalesce(w.minutes, '{450,450,450,450,450,0,0}'))[extract(isodow FROM on_day)::int]
        AS minutes,
      (coalesce(w.breaks, '{60,60,60,60,90,0,0}'))[extract(isodow FROM on_day)::int] AS pause,
      coalesce(w.begins_at::time, '07:30') AS begins,
      coalesce(w.observes_holidays, true) AND EXISTS (SELECT FROM holiday h
        WHERE h.agency_id = place.agency_id AND h.day = on_day AND h.kind <> 'WORKING_DAY')
        AS free,
      coalesce(y.active_minutes, 60) AS active, coalesce(y.flexible_minutes, 0) AS flexible,
      coalesce(y.duty_travel_excuses, true) AS travel
    FROM place
    LEFT JOIN LATERAL (
      SELECT w.* FROM working_week w
      LEFT JOIN up ON up.of_unit = place.unit_id AND up.unit_id = w.unit_id
      WHERE w.agency_id = place.agency_id AND (w.unit_id IS NULL OR up.unit_id IS NOT NULL)
        AND w.starts_on <= on_day AND (w.ends_on IS NULL OR w.ends_on >= on_day)
      ORDER BY up.distance NULLS LAST, w.ends_on IS NULL, w.starts_on DESC, w.id DESC LIMIT 1
    ) w ON true
    LEFT JOIN LATERAL policy_on(place.agency_id, on_day) y ON true
  )
  SELECT p.id, p.unit_id, p.timezone, CASE WHEN d.free THEN 0 ELSE d.minutes END, d.free,
    d.begins, d.pause, d.active, d.flexible, d.travel
  -- An equality, so that it can be hashed: the agency stands for no unit.
  FROM person p JOIN day d ON d.agency_id = p.agency_id
    AND coalesce(d.unit_id, d.agency_id) = coalesce(p.unit_id, p.agency_id);
END
$$;

-- All that `schema/teams/rules.py` judges a day by, for each of some people. What is written there
-- is theirs: a viewer gets of it what row security allows.
CREATE FUNCTION day_facts(of_employees uuid[], on_day date) RETURNS TABLE (
  employee_id uuid, "on" date, timezone varchar, required_minutes integer,
  recorded_minutes integer, pending_count integer, last_activity_at timestamptz,
  working_minutes integer, holiday boolean, begins_at time, break_minutes integer,
  clocked_in_at timestamptz, done_at timestamptz, away json, active_minutes integer,
  flexible_minutes integer, duty_travel_excuses boolean
) LANGUAGE sql STABLE ROWS 20 AS $$
  SELECT w.employee_id, on_day, w.timezone,
    coalesce(l.required_minutes, w.working_minutes - excused_of(w.employee_id, on_day,
      w.working_minutes, w.begins_at, w.break_minutes, w.duty_travel_excuses)),
    coalesce(l.recorded_minutes, 0), coalesce(l.pending_count, 0), l.last_activity_at,
    w.working_minutes, w.holiday, w.begins_at, w.break_minutes,
    (SELECT max(c.at) FROM clock_event c WHERE c.employee_id = w.employee_id
      AND c.day = on_day AND c.direction = 'IN' AND c.retracted_at IS NULL),
    d.done_at,
    coalesce((SELECT json_agg(json_build_object('kind', a.kind, 'state', a.state,
        'ends_on', a.ends_on,
        'from_time', a.from_time::time, 'until_time', a.until_time::time)
        ORDER BY a.from_time IS NOT NULL, a.id)
      FROM absence a WHERE a.employee_id = w.employee_id
        AND a.state IN ('REPORTED', 'ACCEPTED') AND a.starts_on <= on_day
        AND a.ends_on >= on_day), '[]'),
    w.active_minutes, w.flexible_minutes, w.duty_travel_excuses
  FROM working_days(of_employees, on_day) w
  LEFT JOIN daily_log l ON l.employee_id = w.employee_id AND l.day = on_day
  LEFT JOIN day_done d ON d.employee_id = w.employee_id AND d.day = on_day
    AND d.reopened_at IS NULL
$$;

-- What a supervisor's digest is made of, for each of some supervisors who has a team: the team's
-- last working day before `today` (of two weeks), how it ended for each member, and what the week
-- until then asked for. `schema/notices/rules.py` judges it. A day whose absence waits for a
-- decision asks for nothing here: nobody is called short of what their superior has yet to decide.
-- Pending records are counted over 31 days. A viewer gets of it what row security allows.
CREATE FUNCTION digest_facts(of_supervisors uuid[], today date) RETURNS TABLE (
  supervisor_id uuid, "on" date, week_from date, week_until date, absences integer,
  records integer, members json
) LANGUAGE sql STABLE ROWS 20 AS $$
  WITH post AS MATERIALIZED (
    SELECT DISTINCT a.appraiser_id, a.employee_id, a.starts_on, a.ends_on
    FROM assignment a JOIN employee e ON e.id = a.employee_id
    WHERE a.appraiser_id = ANY (of_supervisors) AND a.appraiser_id = ANY (e.superiors)
      AND a.starts_on < today AND (a.ends_on IS NULL OR a.ends_on > today - 14)
  ), worked AS MATERIALIZED (
    SELECT w.employee_id, array_agg(d.day) AS days
    FROM (SELECT today - n AS day FROM generate_series(1, 14) n) d
    CROSS JOIN LATERAL working_days(ARRAY(SELECT DISTINCT p.employee_id FROM post p), d.day) w
    WHERE w.working_minutes > 0 GROUP BY w.employee_id
  ), latest AS MATERIALIZED (
    SELECT p.appraiser_id, max(d.day) AS day
    FROM post p JOIN worked w ON w.employee_id = p.employee_id
    CROSS JOIN LATERAL unnest(w.days) d (day)
    WHERE p.starts_on <= d.day AND (p.ends_on IS NULL OR p.ends_on > d.day)
    GROUP BY p.appraiser_id
  ), team AS MATERIALIZED (
    SELECT DISTINCT l.appraiser_id, l.day, p.employee_id,
      l.day - (extract(isodow FROM l.day)::int - 1) AS first,
      least(today - 1, l.day - extract(isodow FROM l.day)::int + 7) AS last
    FROM latest l JOIN post p ON p.appraiser_id = l.appraiser_id
      AND p.starts_on <= l.day AND (p.ends_on IS NULL OR p.ends_on > l.day)
  ), fact AS MATERIALIZED (
    SELECT g.day, f.employee_id, row_to_json(f) AS facts
    FROM (SELECT t.day, array_agg(DISTINCT t.employee_id) AS people FROM team t GROUP BY t.day) g
    CROSS JOIN LATERAL day_facts(g.people, g.day) f
  ), told AS MATERIALIZED (
    -- One relation and what belongs to each of its rows, so that no plan multiplies anything.
    SELECT t.*, w.required, w.recorded,
      (SELECT count(*) FROM absence a WHERE a.employee_id = t.employee_id
        AND a.state = 'REPORTED')::int AS absences,
      coalesce((SELECT sum(l.pending_count) FROM daily_log l WHERE l.employee_id = t.employee_id
        AND l.day > today - 31), 0)::int AS records
    FROM (SELECT s.*, required_days(s.employee_id, s.first, s.last) AS asked
      FROM team s OFFSET 0) t
    CROSS JOIN LATERAL (
      SELECT sum(CASE WHEN EXISTS (SELECT FROM absence a
          WHERE a.employee_id = t.employee_id AND a.state = 'REPORTED' AND a.kind <> 'UNEXCUSED'
            AND d.day BETWEEN a.starts_on AND a.ends_on) THEN 0
          ELSE coalesce(l.required_minutes, t.asked[d.day - t.first + 1]) END)::int AS required,
        sum(coalesce(l.recorded_minutes, 0))::int AS recorded
      FROM (SELECT t.first + n AS day FROM generate_series(0, t.last - t.first) n) d
      LEFT JOIN LATERAL (SELECT l.required_minutes, l.recorded_minutes FROM daily_log l
        WHERE l.employee_id = t.employee_id AND l.day = d.day OFFSET 0) l ON true
    ) w
  )
  SELECT t.appraiser_id, t.day, t.first, t.last, sum(t.absences)::int, sum(t.records)::int,
    json_agg(json_build_object('name', e.name, 'nip', e.nip, 'day', f.facts,
      'required_minutes', t.required, 'recorded_minutes', t.recorded) ORDER BY e.name, e.id)
  FROM told t JOIN employee e ON e.id = t.employee_id
  JOIN fact f ON f.employee_id = t.employee_id AND f.day = t.day
  GROUP BY t.appraiser_id, t.day, t.first, t.last
$$;

-- What written days of an agency ask for, after its weeks, holidays or posts have changed. Its
-- people are locked first, as each write to their records does: no day is written meanwhile by
-- what held before.
CREATE FUNCTION refresh_required_minutes(of_agency uuid, from_day date, until_day date)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  changed bigint;
BEGIN
  PERFORM FROM employee e WHERE e.agency_id = of_agency ORDER BY e.id FOR NO KEY UPDATE;
  UPDATE daily_log l SET required_minutes = n.minutes
  FROM (
    SELECT d.id, r.asked[d.day - r.first_day + 1] AS minutes
    FROM (
      SELECT e.id, min(d.day) AS first_day, required_days(e.id, min(d.day), max(d.day)) AS asked
      FROM employee e JOIN daily_log d ON d.employee_id = e.id
      WHERE e.agency_id = of_agency AND d.day >= from_day
        AND (until_day IS NULL OR d.day <= until_day)
      GROUP BY e.id
    ) r JOIN daily_log d ON d.employee_id = r.id AND d.day >= from_day
      AND (until_day IS NULL OR d.day <= until_day)
  ) n WHERE n.id = l.id AND n.minutes <> l.required_minutes;
  GET DIAGNOSTICS changed = ROW_COUNT;
  RETURN changed;
END
$$;
"""

APPRAISALS = """
-- What appraisals rest on, each with JSON as `schema/appraisals/evidence.py` takes it (`Facts`).
-- Of a final one planned and realized are as they stand; of another, what was due by its last day,
-- and what records of those days gave, with all that flows in. Numbers are text: exact.
CREATE FUNCTION appraisal_facts(of_appraisals uuid[])
RETURNS TABLE (appraisal_id uuid, facts json) LANGUAGE sql STABLE ROWS 1000
SET jit = off SET work_mem = '32MB' AS $$
  WITH RECURSIVE chosen AS MATERIALIZED (
    SELECT a.id, a.agency_id, a.employee_id, a.plan_id, a.starts_on, a.ends_on, e.timezone,
      v.kind = 'FINAL' AS is_final, d.starts_on AS year_starts_on,
      -- To the end of the last month: whether a month asked for work does not depend on a transfer.
      (date_trunc('month', a.ends_on::timestamp) + interval '1 month -1 day')::date AS until,
      -- Whose calendar: the agency's, or where its units have weeks of their own, the person's.
      e.agency_id AS of_agency, CASE WHEN EXISTS (SELECT FROM working_week w
        WHERE w.agency_id = e.agency_id AND w.unit_id IS NOT NULL) THEN e.id ELSE e.agency_id END
        AS whose
    FROM unnest(of_appraisals) k (id) JOIN appraisal a ON a.id = k.id
    JOIN evaluation_period v ON v.id = a.evaluation_period_id
    JOIN period d ON d.id = v.period_id JOIN employee e ON e.id = a.employee_id
  ), result AS MATERIALIZED (
    SELECT c.id AS appraisal_id, c.starts_on, c.ends_on, c.timezone, c.is_final, t.id AS target_id,
      t.code, t."position", t.title, t.category, t.perspective, t.assigned_by,
      t.kind = 'STAGED' AS is_staged
    FROM chosen c JOIN target t ON t.plan_id = c.plan_id
  ), flow (root, by_day, id, accumulation) AS (
    SELECT DISTINCT i.id, r.ends_on, i.id, i.accumulation
    FROM result r JOIN indicator i ON i.target_id = r.target_id
    WHERE NOT r.is_final AND NOT r.is_staged
    UNION ALL
    SELECT f.root, f.by_day, i.id, i.accumulation
    FROM flow f JOIN indicator i ON i.contributes_to_id = f.id
  ), actual AS MATERIALIZED (
    SELECT f.root, f.by_day, sum(v.amount) AS amount
    FROM flow f CROSS JOIN LATERAL (
      SELECT CASE f.accumulation
        WHEN 'SUM' THEN sum(p.quantity)
        ELSE (array_agg(p.quantity ORDER BY p.ends_at DESC, p.id DESC))[1]
      END AS amount
      FROM progress_record p
      WHERE p.indicator_id = f.id AND p.state = 'CONFIRMED' AND p.day <= f.by_day
    ) v GROUP BY 1, 2
  ), measured AS MATERIALIZED (
    SELECT r.appraisal_id, r.target_id, json_agg(json_build_object('title', i.title,
      'aspect', i.aspect, 'unit_of_measure', i.unit_of_measure, 'polarity', i.polarity,
      'planned', CASE WHEN r.is_final THEN i.planned ELSE (SELECT p.planned
        FROM trajectory_point p WHERE p.indicator_id = i.id AND p.day <= r.ends_on
        ORDER BY p.day DESC LIMIT 1) END::text,
      'minimum', i.minimum::text, 'maximum', i.maximum::text, 'baseline', i.baseline::text,
      'realized', CASE WHEN r.is_final THEN i.realized ELSE m.amount END::text)
      ORDER BY i."position") AS indicators
    FROM result r JOIN indicator i ON i.target_id = r.target_id
    LEFT JOIN actual m ON m.root = i.id AND m.by_day = r.ends_on
    WHERE NOT r.is_staged GROUP BY 1, 2
  ), results AS MATERIALIZED (
    SELECT r.appraisal_id, json_agg(json_build_object('id', r.target_id, 'code', r.code,
      'title', r.title, 'category', r.category, 'perspective', r.perspective,
      'assigned_by', r.assigned_by,
      'serves', (SELECT p.title FROM target_edge g JOIN target p ON p.id = g.parent_id
        WHERE g.child_id = r.target_id AND g."primary"),
      'indicators', coalesce(m.indicators, '[]'),
      'stages', CASE WHEN r.is_staged THEN (SELECT coalesce(json_agg(json_build_object(
          'title', s.title, 'weight', s.weight::text,
          'completed_on', CASE WHEN s.completed_on <= r.ends_on THEN s.completed_on END)
          ORDER BY s."position"), '[]') FROM stage s WHERE s.target_id = r.target_id) END,
      'children', (SELECT coalesce(json_agg(json_build_object('weight', g.weight::text,
          'achieved', g.achieved::text) ORDER BY g.id), '[]') FROM target_edge g
        WHERE g.parent_id = r.target_id AND g.kind = 'WEIGHTED'),
      'records', (SELECT count(*) FROM progress_record p WHERE p.target_id = r.target_id
        AND p.state = 'CONFIRMED' AND p.day BETWEEN r.starts_on AND r.ends_on),
      'feedback', (SELECT count(*) FROM feedback f WHERE f.target_id = r.target_id
        AND (f.at AT TIME ZONE r.timezone)::date BETWEEN r.starts_on AND r.ends_on))
      ORDER BY r."position", r.code) AS said
    FROM result r LEFT JOIN measured m USING (appraisal_id, target_id) GROUP BY 1
  ), calendar AS MATERIALIZED (
    SELECT k.*, d.minutes, d.pauses, d.begins
    FROM (SELECT DISTINCT c.of_agency, c.whose, c.starts_on, c.until FROM chosen c) k
    CROSS JOIN LATERAL asked_days(k.of_agency, k.whose, k.starts_on, k.until, true) d
  ), asked AS MATERIALIZED (
    SELECT c.id, c.employee_id, c.starts_on, c.until, c.ends_on - c.starts_on + 1 AS days,
      CASE WHEN EXISTS (SELECT FROM absence a WHERE a.employee_id = c.employee_id
          AND a.state = 'ACCEPTED' AND a.starts_on <= c.until AND a.ends_on >= c.starts_on)
        THEN less_absences(c.employee_id, c.of_agency, c.starts_on, k.minutes, k.pauses, k.begins)
        ELSE k.minutes END AS minutes
    FROM chosen c JOIN calendar k USING (of_agency, whose, starts_on, until)
  ), marked AS MATERIALIZED (
    -- A mark for each day: 1 filled, 0 not, blank where it asked for nothing. What a day that is
    -- written asked for it says itself.
    SELECT c.id, c.starts_on, c.until, c.days, w.marks, w.required, w.recorded
    FROM asked c CROSS JOIN LATERAL (
      SELECT string_agg(CASE WHEN coalesce(l.required_minutes, u.minutes) <= 0 THEN ' '
          WHEN l.recorded_minutes > 0 THEN '1' ELSE '0' END, '' ORDER BY u.n) AS marks,
        sum(coalesce(l.required_minutes, u.minutes)) FILTER (WHERE u.n <= c.days) AS required,
        sum(l.recorded_minutes) FILTER (WHERE u.n <= c.days) AS recorded
      FROM unnest(c.minutes) WITH ORDINALITY u (minutes, n)
      LEFT JOIN (SELECT x.day - c.starts_on + 1 AS n, x.required_minutes, x.recorded_minutes
        FROM daily_log x WHERE x.employee_id = c.employee_id
          AND x.day BETWEEN c.starts_on AND c.until OFFSET 0) l ON l.n = u.n
    ) w
  ), time AS MATERIALIZED (
    SELECT m.id, json_build_object('required_minutes', m.required,
      'recorded_minutes', coalesce(m.recorded, 0), 'days_asked', length(d.marks),
      'days_filled', length(replace(d.marks, '0', '')),
      'longest_streak', coalesce((SELECT max(length(s)) FROM string_to_table(d.marks, '0') s), 0),
      'months', (SELECT count(*) FROM generate_series(
          date_trunc('month', m.starts_on - interval '1 day') + interval '1 month', m.until,
          interval '1 month') f (first)
        WHERE ltrim(substr(m.marks, f.first::date - m.starts_on + 1,
          (f.first + interval '1 month')::date - f.first::date)) <> '')) AS said
    FROM marked m
    CROSS JOIN LATERAL (SELECT replace(left(m.marks, m.days), ' ', '') AS marks OFFSET 0) d
  )
  SELECT c.id, json_build_object(
    'policy', (SELECT json_build_object('achievement_cap', p.achievement_cap::text,
        'missing_counts_as_zero', p.missing_counts_as_zero)
      FROM policy_on(c.agency_id, c.year_starts_on) p),
    'results', coalesce(r.said, '[]'),
    'behaviours', (SELECT json_agg(json_build_object('behaviour', b.behaviour,
        'expectation', x.expectation, 'feedback', coalesce(f.count, 0)) ORDER BY b.place)
      FROM unnest(ARRAY['SERVICE_ORIENTED', 'ACCOUNTABLE', 'COMPETENT', 'HARMONIOUS', 'LOYAL',
        'ADAPTIVE', 'COLLABORATIVE']) WITH ORDINALITY b (behaviour, place)
      LEFT JOIN behaviour_expectation x ON x.plan_id = c.plan_id AND x.behaviour = b.behaviour
      LEFT JOIN (SELECT f.behaviour, count(*) FROM feedback f WHERE f.plan_id = c.plan_id
          AND (f.at AT TIME ZONE c.timezone)::date BETWEEN c.starts_on AND c.ends_on
        GROUP BY f.behaviour) f ON f.behaviour = b.behaviour),
    'time', t.said)
  FROM chosen c JOIN time t ON t.id = c.id LEFT JOIN results r ON r.appraisal_id = c.id
$$;
"""

SEQUENCER = """
-- Gives committed events consecutive positions and wakes the listeners, once a batch. One
-- caller at a time; a caller that finds another at work returns -1. The row's key orders a batch.
-- Statistics are stale after a burst, and plans made from them read the whole log. So the keys
-- are found first, by the partial index and by a plain scan, which marks dead entries as it goes.
CREATE FUNCTION stamp_events() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  waiting uuid[];
  newest bigint;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('ekinerja'), hashtext('stamp_events')) THEN
    RETURN -1;
  END IF;
  SELECT array_agg(id ORDER BY id) INTO waiting
  FROM (SELECT id FROM event WHERE position IS NULL LIMIT 5000) batch;
  IF waiting IS NULL THEN
    RETURN 0;
  END IF;
  SELECT coalesce(max(position), 0) INTO newest FROM event;
  UPDATE event e SET position = newest + batch.place
  FROM unnest(waiting) WITH ORDINALITY AS batch (id, place) WHERE e.id = batch.id;
  PERFORM pg_notify('ekinerja_events', (newest + cardinality(waiting))::text);
  RETURN cardinality(waiting);
END
$$;
"""

# Who gave which answer is nobody's to read: groups of answers leave the database, no single one.
FEEDBACK = """
-- Feedback (360) on appraisals by behaviour and relation, where it may be known: once the answers
-- are all in, and of a group as large as the smallest that was promised to anybody in it. An
-- hour lies between the last answer that is taken and the first reading, so that no two readings
-- differ by the answer of one. A signed appraisal takes no answers; at NULL only those count.
-- The answers of `reader` themself are no part of what makes a group large enough: who knows one
-- of them would know the rest.
CREATE FUNCTION feedback_groups(keys uuid[], at timestamptz, reader uuid) RETURNS TABLE (
  appraisal_id uuid, behaviour varchar, relation varchar, mean numeric, answers integer,
  comments text[]
) LANGUAGE sql STABLE ROWS 14 AS $$
  SELECT q.appraisal_id, f.behaviour, q.relation, round(avg(f.score), 2), count(*)::int,
    coalesce(array_agg(f.comment ORDER BY f.comment COLLATE "C")
      FILTER (WHERE f.comment IS NOT NULL), '{}')
  FROM feedback_request q
  JOIN appraisal a ON a.id = q.appraisal_id
  JOIN feedback_answer f ON f.request_id = q.id
  WHERE q.appraisal_id = ANY (keys)
    AND (a.state = 'SIGNED' OR at >= q.closes_at + interval '1 hour')
  GROUP BY q.appraisal_id, f.behaviour, q.relation
  HAVING count(*) FILTER (WHERE q.respondent_id IS DISTINCT FROM reader) >= max(q.smallest_group)
$$;

-- How respondents stood to a person on any of the days: together in a unit or under an appraiser,
-- above them, below them. By dated posts, each step up on a day on which the one below held.
CREATE FUNCTION feedback_standing(person uuid, post uuid, people uuid[], first date, last date)
RETURNS TABLE (respondent_id uuid, is_together boolean, is_above boolean, is_below boolean)
LANGUAGE sql STABLE ROWS 20 AS $$
  WITH RECURSIVE up (below_id, superior_id, since, until) AS (
    SELECT a.employee_id, a.appraiser_id, greatest(a.starts_on, first),
      least(coalesce(a.ends_on - 1, last), last)
    FROM assignment a
    WHERE a.employee_id = ANY (people || person) AND a.appraiser_id IS NOT NULL
      AND a.starts_on <= last AND (a.ends_on IS NULL OR a.ends_on > first)
    UNION
    SELECT up.below_id, a.appraiser_id, greatest(a.starts_on, up.since),
      least(coalesce(a.ends_on - 1, up.until), up.until)
    FROM up JOIN assignment a ON a.employee_id = up.superior_id
    WHERE a.appraiser_id IS NOT NULL
      AND a.starts_on <= up.until AND (a.ends_on IS NULL OR a.ends_on > up.since)
  )
  SELECT p.id,
    EXISTS (SELECT FROM assignment o JOIN assignment a ON a.employee_id = p.id
        AND (a.unit_id = o.unit_id OR a.appraiser_id = o.appraiser_id)
      WHERE o.id = post AND a.starts_on <= last AND (a.ends_on IS NULL OR a.ends_on > first)
        AND (o.ends_on IS NULL OR o.ends_on > a.starts_on)
        AND (a.ends_on IS NULL OR a.ends_on > o.starts_on)),
    EXISTS (SELECT FROM up WHERE up.below_id = person AND up.superior_id = p.id),
    EXISTS (SELECT FROM up WHERE up.below_id = p.id AND up.superior_id = person)
  FROM unnest(people) p (id)
$$;

REVOKE EXECUTE ON FUNCTION feedback_groups(uuid[], timestamptz, uuid),
  feedback_standing(uuid, uuid, uuid[], date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION feedback_groups(uuid[], timestamptz, uuid),
  feedback_standing(uuid, uuid, uuid[], date, date) TO ekinerja_app, ekinerja_worker;
"""

GRANTS = """
GRANT USAGE ON SCHEMA public TO ekinerja_app, ekinerja_worker;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO ekinerja_app, ekinerja_worker;

GRANT INSERT, UPDATE ON agency, unit, unit_placement, employee, assignment, role_grant,
  working_week, holiday, period, evaluation_period, performance_plan, behaviour_expectation,
  plan_attachment, target, target_edge, indicator, trajectory_point, stage, action_plan,
  role_matrix, matrix_member, matrix_cell, cascade_template,
  installation, connector_problem, connector_task, mapping_rule, progress_record, daily_log,
  absence, day_done, presence_clock, contact, appraisal, appraisal_line
  TO ekinerja_app;
-- A plan in the making is edited as a whole; what progress refers to is kept by its keys.
GRANT DELETE ON behaviour_expectation, plan_attachment, target, target_edge, indicator,
  trajectory_point, stage, action_plan, matrix_member, matrix_cell, mapping_rule, appraisal_line
  TO ekinerja_app;
GRANT INSERT ON unit_rating, appraisal_event, appraisal_seal, feedback_request, feedback_answer,
  result_delivery, rule_set, career, potential_score, training_record, consequence,
  consequence_basis TO ekinerja_app;
GRANT UPDATE (answered_at) ON feedback_request TO ekinerja_app;
GRANT UPDATE (superseded_at) ON consequence TO ekinerja_app;
-- An operator sends again what was given up.
GRANT UPDATE (state, attempts, retry_at, message) ON result_delivery TO ekinerja_app;
GRANT UPDATE (state, attempts, retry_at, received_at, reference, message) ON result_delivery
  TO ekinerja_worker;
GRANT INSERT ON absence_event, day_close, token_revocation, agency_policy, plan_event, evaluation_event, feedback, connector_event, directory_change,
  inbox_item, dead_letter, evidence, record_event, event TO ekinerja_app;
GRANT UPDATE (processed_at, attempts, retry_at) ON inbox_item TO ekinerja_app;
GRANT UPDATE (resolved_at, note) ON dead_letter TO ekinerja_app;

GRANT INSERT ON inbox_item, dead_letter, run, activity, retraction, clock_event, progress_record,
  evidence, record_event, daily_log, event, plugin, connector_problem, connector_task,
  directory_change TO ekinerja_worker;
GRANT INSERT ON day_close, presence_clock, notice, notice_delivery, notice_round
  TO ekinerja_worker;
GRANT UPDATE ON presence_clock, notice_delivery, notice_round TO ekinerja_worker;
GRANT UPDATE ON installation, daily_log, plugin, connector_problem, connector_task
  TO ekinerja_worker;
GRANT UPDATE (state, decided_at) ON progress_record TO ekinerja_worker;
GRANT UPDATE (retracted_at) ON clock_event TO ekinerja_worker;
GRANT UPDATE (processed_at, attempts, retry_at) ON inbox_item TO ekinerja_worker;
GRANT UPDATE (resolved_at) ON dead_letter TO ekinerja_worker;
GRANT UPDATE (superiors) ON employee TO ekinerja_worker;

REVOKE EXECUTE ON FUNCTION required_days(uuid, date, date), required_minutes(uuid, date),
  asked_days(uuid, uuid, date, date, boolean),
  less_absences(uuid, uuid, date, integer[], integer[], time[]),
  working_days(uuid[], date), day_facts(uuid[], date), digest_facts(uuid[], date),
  appraisal_facts(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION required_days(uuid, date, date), required_minutes(uuid, date),
  asked_days(uuid, uuid, date, date, boolean),
  less_absences(uuid, uuid, date, integer[], integer[], time[]),
  working_days(uuid[], date), day_facts(uuid[], date), digest_facts(uuid[], date),
  appraisal_facts(uuid[]) TO ekinerja_app, ekinerja_worker;
REVOKE EXECUTE ON FUNCTION stamp_events() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION stamp_events() TO ekinerja_app, ekinerja_worker;
"""


class Migration(migrations.Migration):
    dependencies = [("ekinerja", "0001_initial")]

    operations = [
        ops.RunSQL(EXTENSIONS),
        ops.RunSQL(ROLES),
        ops.RunSQL(CHECKS),
        ops.RunSQL(HISTORY),
        ops.RunSQL(GRAPH),
        ops.RunSQL(WORKING_TIME),
        ops.RunSQL(APPRAISALS),
        ops.RunSQL(SEQUENCER),
        ops.RunSQL(FEEDBACK),
        ops.RunSQL(GRANTS),
    ]
