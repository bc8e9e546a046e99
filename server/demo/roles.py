"""Who moves in a played year: chosen from the case by fixed rules, the same at every playing."""

from dataclasses import dataclass

from server.demo.cast import Person, Play


@dataclass(frozen=True, slots=True)
class Roles:
    """Who is transferred, who takes their post over, in whose unit they arrive, and who acts in
    the post that the successor left. NIPs."""

    mover: str
    successor: str
    host: str
    actor: str


def choose(play: Play) -> Roles:
    """Of people who lead nobody: the first that has results is transferred, a colleague of the
    unit (else the next one) follows, and the first of another unit is the host."""
    free = [
        person
        for person in play.people.values()
        if person.superior and not play.subordinates(person.nip)
    ]
    mover = next(person for person in free if person.own)
    others = [person for person in free if person is not mover]
    successor = next((one for one in others if one.unit == mover.unit), others[0])
    away = [one for one in others if one.unit not in (mover.unit, successor.unit)]
    host = away[0] if away else next(one for one in others if one is not successor)
    rest = [one for one in reversed(others) if one.nip not in (successor.nip, host.nip)]
    actor = rest[0] if rest else host
    return Roles(mover.nip, successor.nip, host.nip, actor.nip)


def head_over(play: Play, host: Person) -> str:
    """Who appraises somebody that arrives in the host's unit: the host where they lead it."""
    return host.nip if host.heads else str(host.superior)
