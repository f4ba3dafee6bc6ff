"""The figures to reach, and how a measurement is held against one."""

KB, MB = 1000, 1000 * 1000
MIB = 1024 * 1024


class Figure:
    """One number of a scenario: where it is in the result, and what it must not exceed."""

    def __init__(self, what, key, limit, unit):
        self.what, self.key, self.limit, self.unit = what, key, limit, unit

    def verdict(self, result):
        value = result.get(self.key)
        if value is None:
            return "not measured"
        return "reached" if value <= self.limit else "missed"

    def bound(self):
        return "≤ " + show(self.limit, self.unit)

    def worse(self, before, now, share):
        """Whether it got worse by more than that share of what it was."""
        return now > before * (1 + share)


class Rate(Figure):
    """One that must not be less."""

    def verdict(self, result):
        value = result.get(self.key)
        if value is None:
            return "not measured"
        return "reached" if value >= self.limit else "missed"

    def bound(self):
        return "≥ " + show(self.limit, self.unit)

    def worse(self, before, now, share):
        return now < before * (1 - share)


def show(value, unit):
    if value is None:
        return "–"
    if unit == "KB":
        return f"{value / KB:.1f} KB"
    if unit == "MB":
        return f"{value / MB:.2f} MB"
    if unit == "MiB":
        return f"{value / MIB:.1f} MiB"
    if unit == "bytes":
        return f"{value:.0f} bytes"
    if unit == "%":
        return f"{value * 100:.2f} %"
    if unit == "ms":
        return f"{value * 1000:.1f} ms"
    if unit == "s":
        return f"{value:.2f} s"
    return f"{value:.2f}{unit}"


def table(rows, head=("scenario", "what", "measured", "figure", "")):
    """rows: as many texts each as the head has, in columns."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
             for row in [head, *rows]]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)
