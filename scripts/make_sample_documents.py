"""Write examples/documents/rental-agreement.pdf (the other samples are written by hand).

Run it after changing the text below: python scripts/make_sample_documents.py
"""

from __future__ import annotations

from pathlib import Path

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import cm
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer

TITLE = "Tenancy agreement, 14 Mill Lane, flat 3"
# Paragraphs apart by empty lines; "# " before a section's name, "----" for a new page.
TEXT = """\
# 1 Parties and flat

This agreement is between Ms Ingrid Solberg (the landlord) and Mr Daniel Okafor and Ms Yuki Tanaka (the
tenants), who are each liable for the whole. The landlord lets flat 3 on the second floor of 14 Mill Lane:
three rooms, kitchen, bathroom, 71 square metres, with cellar room 7 and the use of the bicycle shed. A
parking space is not part of it.

# 2 Term

The tenancy begins on 1 April 2025 and has no fixed end. In the first twelve months neither side may give
ordinary notice.

# 3 Rent

The rent is 1,140 a month. Heating and running costs come to another 215 a month, paid in advance and settled
once a year, by 30 June of the following year at the latest. Both are due on the third working day of each
month. After two reminders the landlord may charge 8 for each further one.

# 4 Change of rent

The rent may be raised once a year, for the first time on 1 April 2027, and by no more than the consumer price
index has risen since the last change. The landlord says so in writing at least three months ahead.

# 5 Deposit

The deposit is three months' rent without running costs, 3,420 in all. It may be paid in three instalments,
the first when the keys are handed over. The landlord keeps it in a separate account and returns it within
four months after the flat was given back, less what is still owed.

----

# 6 Small repairs

The tenants pay for small repairs of things they use every day (taps, switches, locks, blinds) up to 90 for
each case and up to 320 a year in all. Everything beyond that is the landlord's, and she is told about damage
without delay.

# 7 Changes to the flat

Walls may be painted in any colour if they are light again when the tenants leave. Drilling into tiles needs
the landlord's consent. Fitted kitchen, oven and dishwasher belong to the flat.

# 8 Pets

Small animals in cages are allowed. Cats need the landlord's consent, which she gives unless there is a good
reason against it. Dogs are not allowed, except for guide dogs.

# 9 Subletting

One room may be sublet with written consent, at most for twelve months. Letting to holiday guests is not
allowed, not even for single nights.

# 10 House rules

Quiet hours are from 22:00 to 7:00 and all day on Sundays. Musical instruments may be played for two hours a
day outside these hours. The stairs are cleaned in turns: flat 3 does it in every week whose number can be
divided by four.

# 11 Entry

The landlord may enter the flat with 48 hours' notice to read meters, for repairs, or to show it to a buyer or
new tenant; in an emergency at once.

----

# 12 Notice

The tenants may end the tenancy with three months' notice to the end of a month. For the landlord the time is
three months in the first five years, six months after five years and nine months after eight. Notice must be
in writing and signed; e-mail is not enough.

# 13 Giving the flat back

The flat is given back empty, swept and with all keys: four for the house door, four for the flat, two for the
cellar and one for the letter box. Holes are filled. Both sides sign a report with the meter readings. A lost
house key costs 145, because the lock of the whole house has to be changed.

# 14 Keys at the start

On 1 April 2025 the tenants received all keys named in section 13. Meter readings that day: electricity
48,211, water 903, heating 17,560.

# 15 Contact

Repairs in an emergency: Brandt building services, 020 7946 0871, day and night. Everything else: Ms Solberg,
weekdays after 17:00, 020 7946 0522.
"""


def main() -> None:
    """Lay the pages out; the file is the same byte for byte at every run."""
    target = Path(__file__).parents[1] / "examples" / "documents" / "rental-agreement.pdf"
    heading = ParagraphStyle(
        "heading", fontName="Helvetica-Bold", fontSize=12, leading=16, spaceBefore=10, spaceAfter=3
    )
    body = ParagraphStyle("body", fontName="Helvetica", fontSize=10.5, leading=15)
    title = ParagraphStyle("title", fontName="Helvetica-Bold", fontSize=17, leading=22)
    story: list[object] = [Paragraph(TITLE, title), Spacer(1, 0.5 * cm)]
    for paragraph in TEXT.strip().split("\n\n"):
        if paragraph == "----":
            story.append(PageBreak())
        elif paragraph.startswith("# "):
            story.append(Paragraph(paragraph[2:], heading))
        else:
            story.append(Paragraph(" ".join(paragraph.split()), body))
    margins = {"leftMargin": 2.5 * cm, "rightMargin": 2.5 * cm, "topMargin": 2 * cm, "bottomMargin": 2 * cm}
    document = SimpleDocTemplate(str(target), pagesize=A4, title=TITLE, author="made up", invariant=1, **margins)
    document.build(story)
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
