"""Writes tests/data/custody_histories.txt: random histories of the executable custody model, with
what its rules make of them and what desks owe.
Usage: make_custody_histories.py DIRECTORY_OF_THE_MODEL > FILE

One history a line, parts between '|':
  name
  tree: '-' for the standard trees, else how version 1 differs from 0:
    child:parent,… child:successor,…
  newest version, cuts machine:seal,… closings machine@version:seal,…
  updates, ';' between: kind machine hlc deps link to tree seal certificate by-itself
    (kind: its first letter; w for set, u for succeed, h for uphold; deps by '.'; '-' for none)
  holder offered shown | chain | forks | set aside | no right, held to a later version or cut off
  duties, ';' between: machine, upholds beyond the quota, commit of each update by '.',
    updates that came to count because a cut was moved, link owed an uphold or '-'
"""
import random
import sys

sys.path.insert(0, sys.argv[1])
import check
import model
from desks import Desks
from model import FIRST, Rules, U, ids

LETTER = dict(create='c', offer='o', accept='a', decline='d', reclaim='r', succeed='u', set='w',
              uphold='h')
FAULTS = ((), ('reclaim', 'notary'), ('twonodes', 'notary'), ('rollback', 'reclaim'),
          ('revoke', 'reclaim', 'notary'), ('revoke', 'malice'), ('reorg', 'reclaim', 'notary'),
          ('reorg', 'revoke', 'reclaim', 'twonodes'), ('malice', 'notary'), check.EVERY)


def text(values, sep='.'):
    return sep.join(str(v) for v in values) or '-'


def opt(value):
    return '-' if value is None else str(value)


def tree_text(parents, successors):
    moved = [f'{a}:{p}' for a, p in parents.items() if FIRST[a] != p]
    return text(moved, ',') + ' ' + text([f'{a}:{z}' for a, z in successors.items()], ',')


def everything(w):
    return (1 << len(w.u)) - 1


def any_arrival(r, w, mask):
    """With which commit a desk had each update, parents first."""
    seen, k, todo = {}, 0, set(ids(mask))
    while todo:
        k += r.random() < .7
        i = r.choice([i for i in todo if not w.u[i].deps & todo])
        todo.remove(i)
        seen[i] = k
    return seen


def duties(r, w, mask, rules, wanted):
    """Questions to desks, with any order of arrival; those that are owed something first."""
    out, silent = [], []
    if not rules.fold(mask)['forks']:
        return out
    for _ in range(3):
        seen, moved = any_arrival(r, w, mask), frozenset()
        if r.random() < .2:
            moved = frozenset(i for i in ids(mask) if r.random() < .3)
        extra = r.randint(0, 1)
        for desk in sorted({a + '.1' for a in check.AG + ['Q']} | {'P.2'}):
            at = rules.duty(mask, desk, seen, moved, extra)
            row = ' '.join((desk, str(extra), text(seen[i] for i in ids(mask)),
                            text(sorted(moved)), opt(at)))
            (silent if at is None else out).append(row)
    return out[:wanted] + r.sample(silent, min(1, len(silent)))


def shown_of(w, got):
    """The write whose value is shown."""
    written = [i for i in w.u if w.u[i].kind == 'set' and i not in got['bad'] | got['late']]
    heads = [i for i in written if not any(w.anc[j] >> i & 1 for j in written)]
    shown = max(heads, key=lambda i: (w.u[i].tv, w.u[i].hlc, i), default=None)
    assert got['value'] == (None if shown is None else w.u[shown].val)
    return shown


def row_of(x):
    return ' '.join((LETTER[x.kind], x.node, str(x.hlc), text(sorted(x.deps)), opt(x.prev),
                     opt(x.to), str(x.tv), str(x.seq), str(x.cert), str(int(x.auto))))


def history(name, w, rules, r, tree='-', wanted=4):
    mask = everything(w)
    got = rules.fold(mask)
    cuts = text([f'{m}:{s}' for m, s in rules.cuts.items()], ',')
    closings = text([f'{m}@{v}:{s}' for (m, v), s in rules.closings.items()], ',')
    shown = None if got['tip'] is None else shown_of(w, got)
    print('|'.join((
        name, tree, f'{rules.newest} {cuts} {closings}',
        ';'.join(row_of(w.u[i]) for i in ids(mask)),
        f"{opt(got['holder'])} {opt(got['offered'])} {opt(shown)}",
        text(got['chain']), text(got['forks']), text(sorted(got['late'])),
        text(sorted(got['bad'])), text(duties(r, w, mask, rules, wanted), ';'))))


def runs():
    for faults in FAULTS:
        kept, seed = 0, 40 * 10**6
        while kept < 30:
            run = check.Run(seed, faults, check.r_steps(seed))
            rules = run.rf(run.registry)[0]
            forked = rules.fold(everything(run.w))['forks']
            if run.n >= 9 and (not faults or kept % 3 == 0 or forked):
                kept += 1
                history(f"{text(faults, '+')} {seed}", run.w, rules, random.Random(seed))
            seed += 1


def coalitions():
    """Named honest histories, a branch of one or two agencies with all below them, the desks'
    upholds, and maybe a second branch."""
    for name, (newest, spec) in check.ALL.items():
        for size, second in ((1, 0), (1, 1), (2, 0), (2, 1), (2, 0), (2, 1)):
            r = random.Random(f'golden {name} {size} {second}')
            w, n = check.base_chain(spec, newest)
            closings = check.closings_of(newest)

            def make():
                return Rules(w, {}, closings, newest)
            g = r.sample(check.suspects(make().fold(everything(w)), newest, []), size)
            puppets = check.army(g, newest)
            links = [i for i in range(n) if w.u[i].kind in model.LINKS]
            d = Desks(w, make, [a for a in check.AG if a not in puppets])
            d.take(*range(n))
            for _ in range(1 + second):
                heads = w.heads(everything(w))
                xs = check.plan(r, Rules, w, len(w.u), links, puppets, newest, g, heads)
                closings.update(check.late_machines(xs, newest))
                d.take(*[x.id for x in xs])
            history(f'{name}: {"+".join(g)}{", again" if second else ""}', w, make(), r)


def any_tree(r):
    """As check.random_trees, and how version 1 differs."""
    while True:
        par, suc = dict(FIRST), {}
        for _ in range(r.randint(0, 3)):
            a = r.choice(['A', 'B', 'C', 'E', 'X', 'D1', 'D2'])
            if r.random() < .6:
                suc[a] = r.choice([z for z in check.AG if z != a])
            else:
                par[a] = r.choice([z for z in ('P', 'D1', 'D2') if z != a])
        if all(par[model.line(a, par.get)[-1]] is None for a in par):
            model.tree(0, FIRST, {})
            model.tree(1, par, suc)
            return par, suc


def random_trees():
    kept = seed = 0
    while kept < 150:
        seed += 1
        r = random.Random(f'golden tree {seed}')
        tree = any_tree(r)
        w, newest = check.honest(r, kept % 2 == 0)
        n = len(w.u)
        closings = {(a + '.1', 1): 1 for a in check.closed_by(newest)}

        def make():
            return Rules(w, {}, closings, newest)
        b = make().fold(everything(w))
        if n < 3 or b['tip'] is None:
            continue
        honest = {model.resolve(h, newest) for h in (b['holder'], b['offered']) if h} - {None}
        suspects = [a for a in check.AG if not any(model.over(a, h, newest) for h in honest)]
        if not suspects:
            continue
        d = Desks(w, make, check.AG if kept % 3 else [])
        for i in range(n):
            d.take(i)
        new, more = check.single(r, w, r.choice(suspects), newest, n)
        closings.update(more)
        d.take(*new)
        history(f'tree {seed}', w, make(), r, tree_text(*tree))
        kept += 1
    model.standard()


def quota():
    """The record goes to and fro and each hop is forked at once, until the desk is silent."""
    w, _ = check.base_chain([('A', 'create')])
    d = Desks(w, lambda: Rules(w), check.AG).take(0)
    tip = 0
    for k in range(18):
        me, other = 'AC'[k % 2], 'CA'[k % 2]
        for to in (other, 'E'):
            i = len(w.u)
            w.add(U(i, 'offer', me + '.1', i, frozenset([tip]), tip, to, 0, 1))
            w.add(U(i + 1, 'accept', to + '.1', i + 1, frozenset([i]), i, None, 0, 1))
            d.take(i, i + 1)
        tip = max(j for j in w.u if j < i and w.u[j].kind == 'accept')  # of the first hop
        if k in (14, 16, 17):
            history(f'quota, {k + 1} forks, {d.wrote} upholds', w, Rules(w), random.Random(k),
                    wanted=6)


runs()
coalitions()
random_trees()
quota()
