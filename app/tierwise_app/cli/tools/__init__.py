"""``tierwise tools``: what models may call, where it comes from, and who is asked before."""

from __future__ import annotations

import typer

from tierwise_app.cli.tools import adding, calling, checking, enabling, listing, reviewing, serving

app = typer.Typer(help="See, try, add and serve the tools that models may call.", no_args_is_help=True)
app.command("list")(listing.list_tools)
app.command("show")(listing.show)
app.command("call")(calling.call)
app.command("check")(checking.check)
app.command("new")(checking.new)
app.command("add")(adding.add)
app.command("remove")(adding.remove)
app.command("review")(reviewing.review)
app.command("enable")(enabling.enable)
app.command("disable")(enabling.disable)
app.command("forget")(enabling.forget)
app.command("serve")(serving.serve)
