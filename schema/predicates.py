"""The policy of access.py as conditions of a statement; row level security says it once more.

Names are those of schema/selection: @viewer, @line, @directories and @agencies are the scope.
"""


def in_directory(agency: str) -> str:
    """`access.can_see_directory`, for an expression that is an agency's key."""
    return f"{agency} = ANY (@directories)"


def sees_work_of(person: str) -> str:
    """`access.can_see_work_of`, for the alias of an employee's row; the cheapest first."""
    return (
        f"{person}.id = @line OR {person}.agency_id = ANY (@agencies) "
        f"OR @line = ANY ({person}.superiors)"
    )


def sees_person(person: str) -> str:
    """The directory's entry of an employee, for the alias of their row."""
    return f"{in_directory(f'{person}.agency_id')} OR {sees_work_of(person)}"


def sees_work(employee_id: str) -> str:
    """`access.can_see_work_of`, for an expression that is an employee's key."""
    return (
        f"{employee_id} = @line OR "
        f"(SELECT {sees_work_of('w$')} FROM employee w$ WHERE w$.id = {employee_id})"
    )


def sees_target_of(target: str, owner: str) -> str:
    """A unit's target: all in the agency. A person's, whose row is at hand: as their work."""
    return _owned(target, sees_work_of(owner))


def sees_target(target: str) -> str:
    """The same where the owner's row is not at hand."""
    return _owned(target, sees_work(f"{target}.owner_employee_id"))


def _owned(target: str, as_work: str) -> str:
    return (
        f"CASE WHEN {target}.owner_employee_id IS NULL "
        f"THEN {in_directory(f'{target}.agency_id')} ELSE {as_work} END"
    )


def sees_record(record: str) -> str:
    """`access.can_see_content`: a pending record is its employee's only."""
    return (
        f"{record}.employee_id = @viewer OR "
        f"({record}.state <> 'PENDING' AND ({sees_work(f'{record}.employee_id')}))"
    )


def of_target(key: str) -> str:
    """Seen by whoever sees the target of this key."""
    return f"(SELECT {sees_target('v$')} FROM target v$ WHERE v$.id = {key})"


def sees_matrix_of(matrix: str) -> str:
    """A matrix is seen by whoever sees its leader's plan, and by its members, who made it together.

    For an expression that is a matrix's key; row level security says the same.
    """
    return (
        f"(SELECT {sees_work('q$.employee_id')} FROM role_matrix x$ "
        f"JOIN performance_plan q$ ON q$.id = x$.plan_id WHERE x$.id = {matrix}) "
        f"OR EXISTS (SELECT FROM matrix_member y$ "
        f"WHERE y$.matrix_id = {matrix} AND y$.employee_id = @viewer)"
    )


def sees_appraisal(appraisal: str) -> str:
    """`access.can_see_appraisal`, for the alias of an appraisal's row."""
    return (
        f"{sees_work(f'{appraisal}.employee_id')} OR {appraisal}.appraiser_id = @viewer "
        f"OR {of_agencies(f'{appraisal}.agency_id')}"
    )


def sees_feedback_request(request: str) -> str:
    """Who is asked, and whoever sees the appraisal but the person whom it is about, of whom the
    viewer may also be looking at what others see. For the alias of a request's row."""
    return (
        f"{request}.respondent_id = @viewer OR (SELECT {sees_appraisal('r$')} FROM appraisal r$ "
        f"WHERE r$.id = {request}.appraisal_id AND r$.employee_id IS DISTINCT FROM @viewer "
        "AND r$.employee_id IS DISTINCT FROM @line)"
    )


def sees_consequence(consequence: str) -> str:
    """As a career (`access.can_see_career`); weight and training needs as the person's work."""
    return (
        f"{consequence}.employee_id = @viewer OR {of_agencies(f'{consequence}.agency_id')} "
        f"OR ({consequence}.kind IN ('WEIGHT', 'TRAINING') "
        f"AND ({sees_work(f'{consequence}.employee_id')}))"
    )


def of_agencies(agency: str) -> str:
    """`access.can_audit`: administrators and auditors of the agency."""
    return f"{agency} = ANY (@agencies)"


def of_installation(key: str) -> str:
    """Seen by whoever administers or audits the installation's agency."""
    return f"(SELECT {of_agencies('i$.agency_id')} FROM installation i$ WHERE i$.id = {key})"


def holds(row: str, day: str) -> str:
    """Whether a dated row (assignment, placement) holds on a day; its end is exclusive."""
    return f"{row}.starts_on <= {day} AND ({row}.ends_on IS NULL OR {row}.ends_on > {day})"
