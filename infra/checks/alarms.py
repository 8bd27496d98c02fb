"""Alarms as CloudWatch would judge them: a small reader of its expressions, for what the checks ask."""

import ast
import operator

from template import number

COMPARISONS = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
}
OPERATORS = {ast.Div: operator.truediv, ast.Sub: operator.sub, ast.Gt: operator.gt, ast.GtE: operator.ge}


class Missing(Exception):
    """There is no point: what is computed from it has none either."""


def metrics(alarm: dict) -> dict:
    """The metrics of an alarm: id → (namespace, name, dimensions, period, statistic)."""
    if "MetricName" in alarm:
        how = (alarm["Period"], alarm["Statistic"])
        return {"value": (alarm["Namespace"], alarm["MetricName"], _dimensions(alarm["Dimensions"]), *how)}
    found = {}
    for one in alarm["Metrics"]:
        if "MetricStat" in one:
            stat = one["MetricStat"]
            metric = stat["Metric"]
            dimensions = _dimensions(metric["Dimensions"])
            found[one["Id"]] = (metric["Namespace"], metric["MetricName"], dimensions, stat["Period"], stat["Stat"])
    return found


def expressions(alarm: dict) -> dict:
    return {one["Id"]: one["Expression"] for one in alarm.get("Metrics", []) if "Expression" in one}


def breaches(alarm: dict, **figures) -> bool:
    """Whether one period with these figures, by the metrics' ids, is beyond the threshold."""
    unknown = set(figures) - set(metrics(alarm))
    assert not unknown, f"the alarm has no {unknown}"
    shown = next((one["Id"] for one in alarm.get("Metrics", []) if one["ReturnData"]), "value")
    try:
        value = _value(ast.Name(shown), expressions(alarm), figures)
    except Missing:
        return alarm["TreatMissingData"] == "breaching"
    return COMPARISONS[alarm["ComparisonOperator"]](value, number(alarm["Threshold"]))


def _value(node, known: dict, figures: dict):
    """What a part of an expression comes to. Whatever it does not know raises: it is to be taught."""

    def of(part):
        return _value(part, known, figures)

    match node:
        case ast.Constant(value):
            return value
        case ast.Name(name) if name in known:
            return of(ast.parse(known[name], mode="eval").body)
        case ast.Name(name):
            if name not in figures:
                raise Missing(name)
            return figures[name]
        case ast.BinOp(left, how, right):
            return OPERATORS[type(how)](of(left), of(right))
        case ast.Compare(left, [how], [right]):
            return OPERATORS[type(how)](of(left), of(right))
        case ast.Call(ast.Name("IF"), [when, then, other]):
            return of(then) if of(when) else of(other)
        case ast.Call(ast.Name("SUM"), [ast.List(parts)]):
            return _sum(of, parts)
    raise ValueError(f"not known: {ast.dump(node)}")


def _sum(of, parts):
    """Of a list: it goes without what has no point."""
    there = []
    for part in parts:
        try:
            there.append(of(part))
        except Missing:
            continue
    if not there:
        raise Missing("all of a list")
    return sum(there)


def _dimensions(listed: list) -> dict:
    return {one["Name"]: one["Value"] for one in listed}
