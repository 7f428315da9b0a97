"""What the Python package costs, beside other packages in the same run: `cargo xtask bench python` starts it.

The data are those of the authorization benchmark (`bench/authz/src/shapes/casbin.rs`): ten users in a team, ten teams on a
collection, one operation; half of the questions are about a collection that the user may see, half about any. Every question is
another one, so that caches hold little of what is asked next. Before anything is timed, the engines' answers are compared.
"""

from __future__ import annotations

import argparse
import array
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, Callable, NamedTuple, Sequence

BEGIN, END = "<!-- python: begin -->", "<!-- python: end -->"
OPERATION = "Service View"
QUESTIONS = 1 << 17
# Decisions of ours that are timed together: a clock is read in the time of one.
CHUNK = 100
BATCH = 1_000_000

MODEL = """
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
"""


class Shape(NamedTuple):
    """Users in teams, and who asks for what."""

    name: str
    users: int
    teams: int

    def grants(self) -> list[tuple[str, str]]:
        return [(f"group{number}", f"data{number // 10}") for number in range(self.teams)]

    def members(self, team: int) -> list[str]:
        return [f"user{number}" for number in range(team * 10, team * 10 + 10)]

    def questions(self) -> list[tuple[str, str]]:
        dice = random.Random(11)
        found = []
        for number in range(QUESTIONS):
            user = dice.randrange(self.users)
            place = user // 100 if number % 2 == 0 else dice.randrange(self.teams // 10)
            found.append((f"user{user}", f"data{place}"))
        return found


class Engine(NamedTuple):
    """One way to decide: a name, its questions in its own form, and a loop over some of them that counts what is allowed."""

    name: str
    questions: Sequence[Any]
    run: Callable[[Sequence[Any]], int]
    # Decisions in one go of the clock.
    chunk: int = 1


def ours(shape: Shape) -> Any:
    import mke

    return mke.rbac.Policy(
        users={f"user{number}": {"logged_in": False} for number in range(shape.users)},
        orgs={"org": {"teams": {f"group{number}": shape.members(number) for number in range(shape.teams)}}},
        collections=[f"/data{number}" for number in range(shape.teams // 10)],
        grants=[(f"team:org/{team}", "viewonly", f"/{place}") for team, place in shape.grants()],
        settings={"docker_datacenter_scheduler": False},
    )


def of_mke(policy: Any, questions: list[tuple[str, str]]) -> list[Engine]:
    decide, allows = policy.decide, policy.allows
    asked = [(user, f"/{place}") for user, place in questions]

    def decided(some: Sequence[Any]) -> int:
        allowed = 0
        for user, path in some:
            if decide(user, OPERATION, path):
                allowed += 1
        return allowed

    def only_allowed(some: Sequence[Any]) -> int:
        allowed = 0
        for user, path in some:
            if allows(user, OPERATION, path):
                allowed += 1
        return allowed

    def with_reason(some: Sequence[Any]) -> int:
        allowed = 0
        for user, path in some:
            decision = decide(user, OPERATION, path)
            decision.message  # noqa: B018
            if decision:
                allowed += 1
        return allowed

    return [
        Engine("mke: decide", asked, decided, CHUNK),
        Engine("mke: decide, a thousand again and again", asked[:1000], decided, CHUNK),
        Engine("mke: allows", asked, only_allowed, CHUNK),
        Engine("mke: decide, reason read", asked, with_reason, CHUNK),
    ]


def of_casbin(shape: Shape, questions: list[tuple[str, str]]) -> list[Engine]:
    import casbin
    from casbin.model.model_fast import FastModel

    def filled(enforcer: Any) -> Any:
        enforcer.add_policies([[team, place, OPERATION] for team, place in shape.grants()])
        enforcer.add_grouping_policies(
            [[user, f"group{team}"] for team in range(shape.teams) for user in shape.members(team)]
        )
        return enforcer

    def model() -> Any:
        return casbin.Enforcer.new_model(text=MODEL)

    def fast_model() -> Any:
        found = FastModel([1])
        found.load_model_from_text(MODEL)
        return found

    plain = filled(casbin.Enforcer(model()))
    # Looks up policies by their object, which somebody must know to be selective.
    fast = filled(casbin.FastEnforcer(fast_model(), cache_key_order=[1]))
    def enforced(enforcer: Any) -> Callable[[Sequence[Any]], int]:
        enforce = enforcer.enforce

        def run(some: Sequence[Any]) -> int:
            allowed = 0
            for user, place in some:
                if enforce(user, place, OPERATION):
                    allowed += 1
            return allowed

        return run

    return [
        Engine("pycasbin", questions, enforced(plain)),
        Engine("pycasbin, FastEnforcer by object", questions, enforced(fast)),
    ]


def of_cedar(shape: Shape, questions: list[tuple[str, str]]) -> list[Engine]:
    import cedarpy

    def uid(kind: str, name: str) -> dict[str, str]:
        return {"type": kind, "id": name}

    def entity(kind: str, name: str, parents: list[dict[str, str]], **attributes: Any) -> dict[str, Any]:
        return {"uid": uid(kind, name), "attrs": attributes, "parents": parents}

    people = [entity("Subject", f"group{team}", []) for team in range(shape.teams)]
    for team in range(shape.teams):
        people += [entity("Subject", user, [uid("Subject", f"group{team}")]) for user in shape.members(team)]
    readers: dict[str, list[dict[str, Any]]] = {}
    for reader, place in shape.grants():
        readers.setdefault(place, []).append({"__entity": uid("Subject", reader)})
    plain = cedarpy.Entities.from_json_str(json.dumps(people + [entity("Collection", place, []) for place in readers]))
    marked = [entity("Collection", place, [], readers=found) for place, found in readers.items()]
    indexed = cedarpy.Entities.from_json_str(json.dumps(people + marked))
    each = cedarpy.PolicySet.from_str(
        "\n".join(
            f'permit(principal in Subject::"{team}", action == Action::"look", resource == Collection::"{place}");'
            for team, place in shape.grants()
        )
    )
    one = cedarpy.PolicySet.from_str(
        'permit(principal, action == Action::"look", resource) when { principal in resource.readers };'
    )
    requests = [
        {"principal": f'Subject::"{user}"', "action": 'Action::"look"', "resource": f'Collection::"{place}"', "context": {}}
        for user, place in questions[: 1 << 14]
    ]

    def decided(policies: Any, entities: Any) -> Callable[[Sequence[Any]], int]:
        decide = cedarpy.is_authorized

        def run(some: Sequence[Any]) -> int:
            allowed = 0
            for request in some:
                if decide(request, policies, entities).allowed:
                    allowed += 1
            return allowed

        return run

    return [
        Engine("cedarpy", requests, decided(each, plain)),
        Engine("cedarpy, one policy", requests, decided(one, indexed)),
    ]


def agree(engines: list[Engine], seconds: float) -> dict[str, int]:
    """Compares verdicts with the first engine for about this long each, at least on two questions."""
    first = engines[0]
    compared = {}
    for engine in engines[1:]:
        if "again" in engine.name:
            continue
        end = time.perf_counter() + seconds
        number = 0
        while number < (1 << 14) and (number < 2 or time.perf_counter() < end):
            if engine.run([engine.questions[number]]) != first.run([first.questions[number]]):
                raise SystemExit(f"{engine.name} answers question {number} otherwise than {first.name}")
            number += 1
        compared[engine.name] = number
    return compared


def turn(engine: Engine, start: int, seconds: float) -> tuple[float, int]:
    """The median time of a decision in nanoseconds, and the number of the next question."""
    clock, run, questions = time.perf_counter_ns, engine.run, engine.questions
    times: list[float] = []
    end = time.perf_counter() + seconds
    number = start
    while not times or time.perf_counter() < end:
        some = [questions[(number + more) % len(questions)] for more in range(engine.chunk)]
        begun = clock()
        run(some)
        times.append((clock() - begun) / engine.chunk)
        number += engine.chunk
    return statistics.median(times), number


def batches(policy: Any, questions: list[tuple[str, str]]) -> list[tuple[str, Callable[[], float]]]:
    """Decisions a second of a prepared batch."""
    times = BATCH // len(questions) + 1
    columns = policy.encode(
        [user for user, _ in questions], [OPERATION] * len(questions), [f"/{place}" for _, place in questions]
    )
    columns = tuple(array.array("i", (column * times)[:BATCH]) for column in columns)

    def rate(threads: int | None) -> Callable[[], float]:
        def measure() -> float:
            begun = time.perf_counter()
            policy.decide_many(*columns, threads=threads)
            return BATCH / (time.perf_counter() - begun)

        return measure

    return [("one thread", rate(1)), ("all processors", rate(None))]


def of_config(text: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """A configuration from text to text, with one key changed: ours checks it before and after."""
    import tomlkit

    import mke

    def edit() -> None:
        document = mke.config.Document(text)
        assert not document.problems()
        assert document.set("cluster_config.kubelet_max_pods", 120)
        assert not document.problems()
        str(document)

    def peer() -> None:
        document: Any = tomlkit.parse(text)
        document["cluster_config"]["kubelet_max_pods"] = 120
        tomlkit.dumps(document)

    return edit, peer


def best(work: Callable[[], None], times: int) -> float:
    """The least time of a piece of work, in microseconds: what it takes when nothing disturbs it."""
    found = []
    for _ in range(times):
        begun = time.perf_counter_ns()
        work()
        found.append(time.perf_counter_ns() - begun)
    return min(found) / 1000


def started(code: str) -> float:
    """Milliseconds of a new interpreter that runs this code."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return (time.perf_counter() - begun) * 1000


def spread(values: list[float], unit: str = "") -> str:
    return f"{figures(statistics.median(values))}{unit} ({figures(min(values))}–{figures(max(values))})"


def figures(number: float) -> str:
    """Three significant figures."""
    if number >= 1000:
        digits = len(str(int(number))) - 3
        return f"{round(number, -digits):,.0f}"
    return f"{number:.0f}" if number >= 100 else f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def nanoseconds(number: float) -> str:
    for limit, unit, name in ((1e3, 1, "ns"), (1e6, 1e3, "µs"), (1e9, 1e6, "ms")):
        if number < limit:
            return f"{figures(number / unit)} {name}"
    return f"{figures(number / 1e9)} s"


def verdict(met: bool) -> str:
    return "met" if met else "**missed**"


def facts(before: str) -> str:
    processor = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), "?"
    )
    memory = int(Path("/proc/meminfo").read_text().split()[1])
    packages = ", ".join(f"{name} {version(name)}" for name in ("casbin", "cedarpy", "docker", "tomlkit"))
    return (
        f"{time.strftime('%Y-%m-%d', time.gmtime())}, on {os.cpu_count()} × {processor}, {-(-memory // (1 << 20))} GB, "
        f"Linux {platform.release().split('-')[0].split('+')[0]}; Python {platform.python_version()}, {packages}. "
        f"`cargo xtask bench python`; load {before} before the run, {load()} after it."
    )


def load() -> str:
    return " ".join(f"{one:.1f}" for one in os.getloadavg())


def decisions(rounds: int, seconds: float, say: Callable[[str], None]) -> tuple[list[str], list[str]]:
    lines, aims = [], []
    lines += ["| data | engine | median of one decision | times as long as `mke` | compared |", "| --- | --- | --- | --- | --- |"]
    for shape in (Shape("1k/100", 1_000, 100), Shape("100k/10k", 100_000, 10_000)):
        say(f"{shape.name}: building")
        questions = shape.questions()
        policy = ours(shape)
        engines = of_mke(policy, questions) + of_casbin(shape, questions) + of_cedar(shape, questions)
        say(f"{shape.name}: comparing answers")
        compared = agree(engines, seconds)
        found: dict[str, list[float]] = {engine.name: [] for engine in engines}
        # Other questions in every round, and the same for everybody.
        next_number = dict.fromkeys(found, 0)
        rates: dict[str, list[float]] = {}
        for number in range(rounds):
            say(f"{shape.name}: round {number + 1} of {rounds}")
            for engine in engines:
                median, next_number[engine.name] = turn(engine, next_number[engine.name], seconds)
                found[engine.name].append(median)
            for name, rate in batches(policy, questions):
                rates.setdefault(name, []).append(rate())
        own = found[engines[0].name]
        ratios = {name: [theirs / mine for theirs, mine in zip(times, own)] for name, times in found.items()}
        for name, times in found.items():
            ratio = "–" if name.startswith("mke") else spread(ratios[name])
            lines.append(
                f"| {shape.name} | {name} | {nanoseconds(statistics.median(times))} | {ratio} | {compared.get(name, '–')} |"
            )
        for name, values in rates.items():
            lines.append(f"| {shape.name} | mke: decide_many, {name} | {figures(statistics.median(values) / 1e6)} million/s | – | – |")
        one = statistics.median(own)
        aims.append(f"| one decision, {shape.name}: ≤ 1 µs | {nanoseconds(one)} | {verdict(one <= 1000)} |")
        most = max(map(statistics.median, rates.values()))
        aims.append(
            f"| batch, {shape.name}: ≥ 3,000,000 decisions/s | {figures(most / 1e6)} million/s | {verdict(most >= 3e6)} |"
        )
        if shape.users == 100_000:
            for name, wanted in (("pycasbin", 30_000), ("cedarpy", 40)):
                longer = statistics.median(ratios[name])
                aims.append(f"| {shape.name}: {name} takes ≥ {wanted:,} × | {figures(longer)} × | {verdict(longer >= wanted)} |")
    return lines, aims


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=Path, required=True, help="the directory of the documents")
    parser.add_argument("--config", type=Path, required=True, help="the configuration file that is edited")
    parser.add_argument("--rounds", type=int, default=5, help="rounds in which each engine has its turn")
    parser.add_argument("--turn", type=float, default=0.5, help="seconds of a turn")
    parser.add_argument("--print", action="store_true", help="print the figures and leave the documents as they are")
    arguments = parser.parse_args()

    def say(text: str) -> None:
        print(f"    {text}", file=sys.stderr)

    before = load()
    lines, aims = decisions(arguments.rounds, arguments.turn, say)

    say("configuration")
    edit, peer = of_config(arguments.config.read_text(encoding="utf-8"))
    mine, theirs = [], []
    for _ in range(arguments.rounds):
        mine.append(best(edit, 100))
        theirs.append(best(peer, 10))
    config = [other / own for other, own in zip(theirs, mine)]
    lines += [
        "",
        "| work | mke, µs | tomlkit, µs | times faster |",
        "| --- | --- | --- | --- |",
        f"| read and check, set a key, check, write (tomlkit: read, set, write) | {spread(mine)} | {spread(theirs)} | {spread(config)} |",
    ]
    ratio = statistics.median(config)
    aims.append(f"| configuration: tomlkit takes ≥ 30 × | {figures(ratio)} × | {verdict(ratio >= 30)} |")

    say("imports")
    codes = {"nothing": "pass", "mke": "import mke", "mke, a decision": "import mke; mke.rbac.Policy", "docker": "import docker"}
    starts: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(2 * arguments.rounds + 1):
        for name, code in codes.items():
            starts[name].append(started(code))
    beyond = {
        name: [own - plain for own, plain in zip(values, starts["nothing"])] for name, values in starts.items() if name != "nothing"
    }
    lines += ["", "| import | milliseconds beyond the interpreter |", "| --- | --- |"]
    lines += [f"| {name} | {spread(values)} |" for name, values in beyond.items()]
    took = statistics.median(beyond["mke"])
    aims.append(f"| `import mke`: ≤ 20 ms beyond the interpreter | {figures(took)} ms | {verdict(took <= 20)} |")

    text = "\n".join([facts(before), "", "| aim | measured | |", "| --- | --- | --- |", *aims, "", *lines, ""])
    if arguments.print:
        print(text)
        return
    document = arguments.documents / "benchmarks.md"
    old = document.read_text(encoding="utf-8")
    head, begin, rest = old.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{document} has no lines {BEGIN} and {END}")
    document.write_text(f"{head}{BEGIN}\n\n{text}\n{END}{tail}", encoding="utf-8")
    print(document)


if __name__ == "__main__":
    main()
