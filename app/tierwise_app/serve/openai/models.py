"""``GET /v1/models``: what ``model`` may be."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from tierwise import AsyncCopilot, ModelError, Tier
from tierwise_app.serve.openai.options import known_model, models_of
from tierwise_app.serve.parts import parts_of

router = APIRouter(tags=["OpenAI"])


class TierPrice(BaseModel):
    """USD per million tokens."""

    input: float
    output: float


class TierFacts(BaseModel):
    """What tierwise tells of a model beside OpenAI's own fields."""

    tiers: list[str] = Field(description="The tiers that may answer, cheapest first.")
    on_device: bool | None = Field(description="Nothing leaves this machine; `null` where that depends on the turn.")
    context_window: int | None = Field(description="Tokens of prompt and answer together; `null` if not known.")
    price: TierPrice | None = Field(description="`null` if not known, or if it depends on the turn.")


class ModelObject(BaseModel):
    """Something that `model` may be."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "quick",
                    "object": "model",
                    "created": 0,
                    "owned_by": "tierwise",
                    "tierwise": {"tiers": ["quick"], "on_device": True, "context_window": 4096, "price": None},
                }
            ]
        }
    )

    id: str
    object: str = "model"
    created: int = 0
    owned_by: str = "tierwise"
    tierwise: TierFacts


class ModelList(BaseModel):
    """All of them: the wishes first, then the tiers, cheapest first, then other names for these."""

    object: str = "list"
    data: list[ModelObject]


@router.get("/v1/models", summary="What `model` may be")
async def list_models(request: Request) -> ModelList:
    """`auto` lets tierwise choose; `quick` is the first tier, `deep` the last.

    The others are tiers by name, and other names that the configuration gives to these.
    """
    parts = parts_of(request)
    return ModelList(data=[_model(parts.copilot, name, means) for name, means in models_of(parts).items()])


@router.get("/v1/models/{name}", summary="One model")
async def get_model(request: Request, name: str) -> ModelObject:
    """One of the list."""
    parts = parts_of(request)
    return _model(parts.copilot, name, known_model(parts, name))


def _model(copilot: AsyncCopilot, name: str, means: str) -> ModelObject:
    tiers = copilot.tiers
    meant = {"auto": [*tiers], "quick": [tiers[0]], "deep": [tiers[-1]]} | {tier.name: [tier] for tier in tiers}
    return ModelObject(id=name, tierwise=_facts(copilot, meant[means]))


def _facts(copilot: AsyncCopilot, tiers: list[Tier]) -> TierFacts:
    on_device = {tier.stays_on_device for tier in tiers}
    windows = [window for tier in tiers if (window := _window(copilot, tier)) is not None]
    price = tiers[0].price if len(tiers) == 1 else None
    return TierFacts(
        tiers=[tier.name for tier in tiers],
        on_device=on_device.pop() if len(on_device) == 1 else None,
        context_window=max(windows, default=None),
        price=None if price is None else TierPrice(input=price.input, output=price.output),
    )


def _window(copilot: AsyncCopilot, tier: Tier) -> int | None:
    try:
        return copilot.model(tier.name).capabilities.context_window
    except ModelError:  # its file or package is not there: that shows when it is asked
        return None
