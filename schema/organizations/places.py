"""SQL of where people and units stand today, and of which period something is."""

from schema.predicates import holds

# The post by which a person is known today: the definitive one, else an acting one, the newest.
TODAYS_POST = f"""(
  SELECT a$.* FROM assignment a$ WHERE a$.employee_id = @row.id AND {holds("a$", "@today")}
  ORDER BY a$.kind, a$.starts_on DESC, a$.id DESC LIMIT 1
) p$"""

UP = f"""(
  WITH RECURSIVE up$ AS (
    SELECT @row.id AS id, 0 AS distance
    UNION ALL
    SELECT l$.parent_id, up$.distance + 1 FROM up$ JOIN unit_placement l$ ON l$.unit_id = up$.id
    WHERE l$.parent_id IS NOT NULL AND {holds("l$", "@today")}
  ) SELECT id, distance FROM up$
) w$ JOIN unit @it ON @it.id = w$.id"""

OF_PERIOD = """EXISTS (SELECT FROM evaluation_period v$ JOIN period p$ ON p$.id = v$.period_id
  WHERE v$.id = @it.evaluation_period_id AND p$.code = @period)"""
PLANNED = "JOIN period p$ ON p$.id = @it.period_id"
IN_ORDER = "@it.position, @it.code"
# Whoever sees a matrix knows its period by its columns; the leader's plan they may not see.
IN_PERIOD = """EXISTS (SELECT FROM matrix_results(m$.matrix_id) w$
  JOIN period p$ ON p$.id = w$.period_id WHERE p$.code = @period)"""
