#!/usr/bin/env python3
"""The runner over a simulator that is none: what it makes smaller, and that it ends."""
import os
import stat
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
# Worlds of seeds from 3 on fail where machines are killed and there are two communes; each takes
# `pause` seconds.
SIMULATOR = '''#!/bin/sh
kills=1 communes_of_each=3 pause=0 from=1 seeds=1
for word in "$@"; do
  case $word in
    --themes) echo made-up; exit 0;;
    --dials) printf '%s\\n' "minutes\t8\t1\tsize" "districts\t2\t1\tsize" \\
      "communes_of_each\t3\t1\tsize" "operations_per_second\t1\t0.3\tsize" "pause\t0\t0\tsize" \\
      "kills\t1\t0\tfault" "cuts\t2\t0\tfault" "rot\t1\t0\tfault"; exit 0;;
    kills=*|communes_of_each=*|pause=*) eval "$word";;
  esac
  case $before in --from) from=$word;; --seeds) seeds=$word;; esac
  before=$word
done
seed=$from
while [ $seed -lt $((from + seeds)) ]; do
  sleep $pause
  broken=
  if [ $seed -ge 3 ] && [ $kills != 0 ] && [ $communes_of_each -ge 2 ]; then
    broken='"it stands still (2): here", "it is wrong: there"'
  fi
  echo "{\\"seed\\": $seed, \\"virtual\\": 60, \\"processor\\": 1, \\"sights\\": {\\"a\\": 1}," \\
    "\\"broken\\": [$broken]}"
  seed=$((seed + 1))
done
'''


class Runner(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.binary = os.path.join(folder.name, 'simulator')
        with open(self.binary, 'w', encoding='utf-8') as out:
            out.write(SIMULATOR)
        os.chmod(self.binary, stat.S_IRWXU)

    def run_it(self, *arguments):
        return subprocess.run([sys.executable, os.path.join(HERE, 'run'), '--theme', 'made-up',
                               '--binary', self.binary, *arguments], text=True, timeout=240,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def test_goes_on_and_leaves_out_what_is_not_needed(self):
        done = self.run_it('--from', '1', '--seeds', '4')
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn('made-up: it stands still: 2 worlds, first with seed 3', done.stdout)
        self.assertIn('seen together with: it stands still', done.stdout)
        replay = next(line for line in done.stdout.splitlines() if 'replay: ' in line)
        self.assertTrue(replay.endswith(
            '--theme made-up --from 3 --seeds 1 minutes=1 districts=1 communes_of_each=2 '
            'operations_per_second=0.25 cuts=0 rot=0'), replay)

    def test_ends_after_so_many_worlds(self):
        done = self.run_it('--from', '3', '--seeds', '1', '--shrink-worlds', '2')
        self.assertIn('made smaller: 2 worlds', done.stdout)
        self.assertIn('its bound ended it', done.stdout)
        self.assertIn('minutes=2', done.stdout)

    def test_ends_after_so_long(self):
        done = self.run_it('--from', '3', '--seeds', '1', '--shrink-seconds', '1.2', 'pause=0.5')
        self.assertIn('its bound ended it', done.stdout)
        self.assertIn('pause=0.5', done.stdout)

    def test_says_nothing_where_nothing_failed(self):
        done = self.run_it('--from', '1', '--seeds', '2')
        self.assertEqual((done.returncode, 'replay' in done.stdout), (0, False), done.stdout)


if __name__ == '__main__':
    unittest.main()
