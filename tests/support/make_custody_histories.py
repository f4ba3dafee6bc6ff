"""Writes tests/data/custody_histories.txt: random histories of the executable custody model, with
what its rules (FIXED) make of them. Usage: make_custody_histories.py DIRECTORY_OF_THE_MODEL > FILE

One history a line, parts between '|':
  faults and seed
  updates, ';' between: kind node hlc deps link to tree cut   (kind: its first letter;
    w for set, u for succeed; deps by '.'; '-' for none; cut: 1 when a revocation cuts it off)
  holder offered shown | chain | forks | set aside | no right or cut off
"""
import sys

sys.path.insert(0, sys.argv[1])
import check
from model import Fixed, ids

LETTER = dict(create='c', offer='o', accept='a', decline='d', reclaim='r', succeed='u', set='w')
FAULTS = ((), ('reclaim',), ('twonodes',), ('rollback', 'reclaim'), ('revoke', 'reclaim'),
          ('revoke', 'malice'), ('reorg', 'reclaim'), ('reorg', 'revoke', 'reclaim'),
          ('malice',), check.EVERY)


def text(values, sep='.'):
    return sep.join(str(v) for v in values) or '-'


def opt(value):
    return '-' if value is None else str(value)


def history(faults, seed):
    run = check.Run(seed, 'FIXED', faults, steps=check.r_steps(seed))
    cuts = {}
    for e in run.registry:
        if e[0] == 'revoke':
            cuts[e[1]] = min(e[2], cuts.get(e[1], 10**9))
    rules = Fixed(run.w, cuts)
    got = rules.fold((1 << run.n) - 1)
    by_value = {x.val: i for i, x in run.w.u.items() if x.val is not None and x.kind == 'set'}
    rows = [' '.join((LETTER[x.kind], x.node, str(x.hlc), text(sorted(x.deps)), opt(x.prev),
                      opt(x.to), str(x.tv), str(int(not rules.believed(x)))))
            for x in (run.w.u[i] for i in range(run.n))]
    shown = by_value.get(got['value'])
    return '|'.join((f"{text(faults, '+')} {seed}", ';'.join(rows),
                     f"{opt(got['holder'])} {opt(got['offered'])} {opt(shown)}",
                     text(got['chain']), text(got['forks']), text(sorted(got['late'])),
                     text(sorted(got['bad'])))), run.n


for faults in FAULTS:
    kept, seed = 0, 40 * 10**6
    while kept < 40:
        line, n = history(faults, seed)
        seed += 1
        if n >= 9:
            kept += 1
            print(line)
