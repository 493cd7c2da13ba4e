"""Makes the DNS runner's questions those of one machine: `few_names.py LIST OUT`.

LIST is a folder of gen_ut1.py; OUT becomes one with the same lists and the same blocked questions, but 150 allowed names in
place of 50,000. The runner asks from one address, and Préau takes a machine that asks for ever other names for a DNS tunnel: it
then measures what is held back, not what is kept.
"""
import os
import sys
import zlib

ALLOWED = 150

source, out = sys.argv[1:]
os.makedirs(out, exist_ok=True)
for name in ('blacklists', 'flat.txt', 'marker.txt', 'q-blocked.txt'):
    os.symlink(os.path.abspath(f'{source}/{name}'), f'{out}/{name}')
allowed = open(f'{source}/allowed.txt').read().split()
known = set(allowed)
with open(f'{out}/allowed.txt', 'w') as file:
    file.writelines(f'{name}\n' for name in allowed[:ALLOWED])
for kind in ('allowed', 'mix'):
    with open(f'{source}/q-{kind}.txt') as questions, open(f'{out}/q-{kind}.txt', 'w') as file:
        for question in questions:
            name, rtype = question.split()
            labels = name.split('.')
            parents = ('.'.join(labels[first:]) for first in range(len(labels)))
            listed = next((parent for parent in parents if parent in known), None)
            if listed:
                name = allowed[zlib.crc32(listed.encode()) % ALLOWED]
            file.write(f'{name} {rtype}\n')
