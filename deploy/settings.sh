# Settings of a conversion that is spread over many tasks. Copy this file to a
# folder that every machine sees, change it there, and give its name to
# slurm/submit.sh or parallel/run.sh. It is read by bash. docs/scale.md says
# which way is the better one for which site.

# What is done, restore, relocate or export, and the program that does it.
VERB=restore
STORECONV=storeconv

# The source and the result. Every machine must see both by the same names. The
# result of export is a folder of Maildirs or mbox files.
SOURCE=/shared/backup.sims
STORE=/shared/store

# How many parts. A part is the unit that is run again after a kill.
SHARDS=16

# The folder of the plan that makes the parts equal by size and keeps users who
# share messages together; empty: parts by a hash of the user's id. LINKS=copy
# balances by size alone.
PLAN=/shared/plan
LINKS=plan

# The folder of one store for each part, which merge joins; empty: all parts are
# made in STORE itself. export needs none.
PARTS=

# A folder on the disk of each machine, where a part is made before it is copied
# to PARTS; empty: it is made in PARTS. A part that is taken up by another
# machine then begins anew.
LOCAL=

# Reports and logs.
REPORTS=/shared/reports

# Who takes part and what users are called in the store, the same in all steps
# but merge: -u, -m, and of restore and export --default-domain.
NAMES=()

# More options of plan-shards, of the conversion, of merge and of verify.
PLANNING=()
OPTIONS=()
MERGE=()
VERIFY=()

# Slurm: more options of every sbatch, and how many tasks run at once (empty:
# as many as there is room for).
SBATCH=(--mem=512M)
AT_ONCE=
