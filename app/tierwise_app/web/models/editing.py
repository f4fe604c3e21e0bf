"""The form of a tier."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from tierwise.errors import InvalidInput, TierwiseError
from tierwise.models import installed_models
from tierwise_app.config_file import variable_name
from tierwise_app.text import one_line
from tierwise_app.tier_changes import EMBEDDED, model_word, price_entry
from tierwise_app.web.desk import desk
from tierwise_app.web.dialogs import open_dialog
from tierwise_app.web.models.changing import apply, configuration
from tierwise_app.web.words import plain, raw, say


def draw_form(name: str | None, local: bool, entry: dict[str, Any] | None = None) -> None:
    """Draw the form; what it makes is shown as a change before anything is written.

    Args:
        name: of the tier; ``None`` adds one.
        local: it is to be a model on this device.
        entry: what the form begins with in place of the tier as it is.
    """
    try:
        before = entry or _entry_now(name)
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    kinds = {True: say("models.form.local"), False: say("models.form.hosted")}
    here = st.segmented_control(
        say("models.form.kind"),
        list(kinds),
        format_func=lambda kind: kinds[kind],
        default=local,
        required=True,
        key=f"models.form.kind.{name}.{local}",
    )
    here = local if here is None else here
    with st.form(f"models.form.{name}.{here}", border=False):
        called = name or st.text_input(
            say("models.form.name"), value=before.get("name", ""), help=say("models.form.name_help"), max_chars=64
        )
        values = _local_fields(before) if here else _hosted_fields(before)
        wanted = st.form_submit_button(say("models.form.show"), type="primary", icon=":material/difference:")
    if not wanted:
        return
    try:
        made = _entry(called, values, here)
        if name is None and made["name"] in _names():
            raise InvalidInput(f"There is a tier {made['name']!r} already.", fix="Choose another name.")
        apply(configuration(), {"kind": "put", "entry": made})
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
    else:
        open_dialog("models", "change", wish={"kind": "put", "entry": made, "editing": name})
        st.rerun()


def _entry_now(name: str | None) -> dict[str, Any]:
    """The tier as the file has it; the embedded one where the file has none."""
    file = configuration()
    found = file.tier(name) if name else {}
    return found or (dict(EMBEDDED) if name == EMBEDDED["name"] else {})


def _names() -> list[str]:
    return [tier.name for tier in desk().settings.tiers] or [EMBEDDED["name"]]


def _local_fields(before: dict[str, Any]) -> dict[str, Any]:
    home = desk().settings.home
    names = [f"llama:{model.name}" for model in installed_models(home=home)]
    model = before.get("model", "")
    is_own = model.startswith("llama:") and model not in names
    options = [model, *names] if is_own else names
    return {
        "model": st.selectbox(
            say("models.form.model"),
            options,
            index=options.index(model) if model in options else 0 if options else None,
            format_func=lambda word: one_line(word.removeprefix("llama:")),  # no Markdown is read here
            accept_new_options=True,
            placeholder=raw("models.form.model_placeholder"),
            help=say("models.form.model_help"),
        ),
        "context_window": _whole("context_window", before, help=say("models.form.window_local")),
        "max_tokens": _whole("max_tokens", before, help=say("models.form.max_tokens_help")),
    }


def _hosted_fields(before: dict[str, Any]) -> dict[str, Any]:
    is_hosted = str(before.get("model", "openai:")).startswith("openai:")
    told = before if is_hosted else {}
    model = str(told.get("model", "")).removeprefix("openai:")
    values: dict[str, Any] = {
        "model": st.text_input(say("models.form.hosted_model"), value=model, help=say("models.form.hosted_model_help")),
        "base_url": st.text_input(
            say("models.form.base_url"),
            value=told.get("base_url") or "",
            placeholder=raw("models.form.base_url_placeholder"),
            help=say("models.form.base_url_help"),
        ),
        "api_key_env": st.text_input(
            say("models.form.key"),
            value=told.get("api_key_env") or "",
            placeholder=raw("models.form.key_placeholder"),
            help=say("models.form.key_help"),
        ),
    }
    price = told.get("price") or {}
    read, written = st.columns(2)
    with read:
        values["read"] = _price("models.form.read", price.get("input"))
    with written:
        values["written"] = _price("models.form.written", price.get("output"))
    values["context_window"] = _whole("context_window", told, help=say("models.form.window_hosted"))
    values["max_tokens"] = _whole("max_tokens", told, help=say("models.form.max_tokens_help"))
    values["on_device"] = st.checkbox(
        say("models.form.on_device"), value=bool(told.get("on_device")), help=say("models.form.on_device_help")
    )
    return values


def _whole(key: str, before: dict[str, Any], *, help: str) -> int | None:
    return st.number_input(
        say(f"models.form.{key}"),
        value=before.get(key),
        min_value=1,
        step=1,
        placeholder=raw("models.form.usual"),
        help=help,
    )


def _price(key: str, value: float | None) -> float | None:
    return st.number_input(
        say(key),
        value=None if value is None else float(value),
        min_value=0.0,
        format="%g",
        placeholder=raw("models.form.unknown"),
    )


def _entry(name: str, values: dict[str, Any], local: bool) -> dict[str, Any]:
    """The entry that the form describes; ``None`` where a key is to go.

    Raises:
        TierwiseError: saying which field is wrong.
    """
    home = desk().settings.home
    entry: dict[str, Any] = {"name": name.strip()}
    word = str(values["model"] or "").strip()
    if local:
        if not word:
            raise InvalidInput("No model is chosen.", fix="Choose one, or write the path of a .gguf file.")
        entry["model"] = model_word(_as_local(word), home)  # what was said of a hosted one goes by itself
    else:
        if not word:
            raise InvalidInput("No model is named.", fix="Write its name as the server calls it.")
        address, key = values["base_url"].strip(), values["api_key_env"].strip()
        if address and urlsplit(address).scheme not in ("http", "https"):
            raise InvalidInput("The address is none.", fix="Write it as https://HOST/v1.")
        entry |= {
            "model": f"openai:{word.removeprefix('openai:')}",
            "base_url": address or None,
            "api_key_env": variable_name(key) if key else None,
            "price": price_entry(values["read"], values["written"]),
            "on_device": True if values["on_device"] else None,
        }
    return entry | {key: values[key] for key in ("context_window", "max_tokens")}


def _as_local(word: str) -> str:
    if word.startswith("openai:"):
        raise InvalidInput("A local model is a file.", fix="Choose “Hosted” for a model of a server.")
    path = word.removeprefix("llama:")
    return f"llama:{Path(path).expanduser()}" if path.startswith("~") else word
