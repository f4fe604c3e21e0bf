"""Ask about your own documents: the whole of it."""

from pathlib import Path

from tierwise import Copilot

DOCUMENTS = Path(__file__).parent / "documents"

with Copilot() as copilot:
    report = copilot.knowledge.ingest([DOCUMENTS], collection="examples")
    print(f"{report.added} documents added, {report.unchanged} known already")

    answer = copilot.ask("How often does the coffee machine need descaling?", collection="examples")
    print(f"[{answer.tier}] {answer.text}")
    for citation in answer.citations:
        print(f"  [{citation.n}] {Path(citation.source).name}: {citation.quote!r}")
    for notice in answer.notices:
        print(f"  note ({notice.code}): {notice.text}")
