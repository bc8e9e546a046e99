"""All loaders of one request, composed from those of the subjects."""

from schema.context import Context
from schema.feeds.loaders import FeedLoaders
from schema.organizations.loaders import OrganizationLoaders
from schema.progress.loaders import ProgressLoaders
from schema.targets.loaders import TargetLoaders
from schema.teams.loaders import TeamLoaders
from schema.values import CAPITAL_TIMEZONE, local_date


class Loaders:
    """What a viewer may load, as of now. "Today" of posts and paths is the capital's day."""

    def __init__(self, context: Context) -> None:
        scope, now = context.viewer, context.now()
        day = local_date(now, CAPITAL_TIMEZONE)
        self.organizations = OrganizationLoaders(day, scope)
        self.targets = TargetLoaders(day, scope, self.organizations)
        self.progress = ProgressLoaders(scope, self.organizations, self.targets)
        self.teams = TeamLoaders(now, day, scope, self.organizations, self.progress)
        self.feeds = FeedLoaders(scope)
