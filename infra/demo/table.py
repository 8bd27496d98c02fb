"""A table of text: headings, rows, numbers to the right."""


def table(headings: list, rows: list) -> str:
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in [headings, *cells]) for at in range(len(headings))]
    numeric = [bool(cells) and all(_is_number(row[at]) for row in cells) for at in range(len(headings))]

    def line(row):
        placed = [text.rjust(width) if right else text.ljust(width) for text, width, right in zip(row, widths, numeric)]
        return "  ".join(placed).rstrip()

    rule = "  ".join("─" * width for width in widths)
    return "\n".join([line(headings), rule, *(line(row) for row in cells)])


def _is_number(text: str) -> bool:
    return text.replace(",", "").isdigit()


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 contact`, `2 contacts`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
