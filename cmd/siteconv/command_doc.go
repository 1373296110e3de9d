package main

const commandDoc = `
Converts a whole site of Sun Internet Mail Server 4.0 (SIMS) or Netscape
Messaging Server 4.x (NMS) to iPlanet Messaging Server 5.x (iMS), or its mail to
Maildirs for Dovecot, in the way that a scenario of the vendor's migration guide
tells. init looks at the inputs and writes site.toml, which holds what there is
to decide; plan writes the runbook; run does the work of ldifconv, storeconv and
dbconv, in one go or in batches of users; status and report tell what has
become of it. Inputs are only read.
`

const commandFiles = `
  SITE/site.toml       what there is and what is wanted, see siteconv-init(1)
  OUT/                 what run writes, see siteconv-run(1)
  OUT/.siteconv.json   inputs, options and the steps that are done
`

const commandExample = `
siteconv init site
siteconv plan --site site --out plan
siteconv run --site site --out converted --preflight
siteconv run --site site --out converted
siteconv report converted
`

var commandSee = []string{"dbconv(1)", "ldifconv(1)", "storeconv(1)", "ims-store(5)"}
