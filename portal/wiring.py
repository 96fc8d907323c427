"""Hands each package what it may not import: called once, when Django starts."""

import core.jobs
import gadgets.hooks
import identity.hooks
from gadgets.webhooks import events, logout
from portal.content import page_views
from portal.content.editing import preview
from portal.content.pages import listing
from portal.executor import executor
from portal.home import views
from portal.home.feedback import impressions
from portal.home.index import content_index
from portal.mydata import welcome


def wire() -> None:
    core.jobs.register(lambda name: executor().kick(name))
    identity.hooks.register(
        identity.hooks.Hooks(
            post_logout_token=logout.post,
            logout_lost=events.session_ended,
            first_stop=welcome.first_stop,
            forget_behaviour=impressions.forget,
        )
    )
    gadgets.hooks.register(gadgets.hooks.Hooks(default_slots=content_index.default_slots))
    page_views.register(
        page_views.PageViews(
            home=views.home, preview_home=preview.preview_home, list_context=listing.page_of_items
        )
    )
