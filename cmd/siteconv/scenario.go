package main

import (
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/site"
	"imsconv/ldifconv"
)

// scenario is one of the guide's chapters: where a site comes from, and what
// is done with it.
type scenario struct {
	name    string
	product ldifconv.Source
	moves   bool     // to a new host, where site.toml names one
	batches bool     // users go over in batches, behind what run does
	steps   []string // in their order, see steps.go
}

// wholeSIMS is what is done when a SIMS site goes over in one go. The mail
// comes after the directory, for its quotas are those of the upgraded entries.
var wholeSIMS = []string{schemaStep, directoryStep, daaciStep, mailStep, comparisonStep, checkStep, verificationStep}

var scenarios = []scenario{
	{name: site.SIMSOffline, product: ldifconv.SIMS, steps: wholeSIMS},
	{name: site.SIMSOnline, product: ldifconv.SIMS, moves: true, steps: wholeSIMS},
	{name: site.SIMSIncremental, product: ldifconv.SIMS, moves: true, batches: true, steps: []string{schemaStep, directoryStep, comparisonStep, checkStep}},
	{name: site.NMSSingle, product: ldifconv.NMS, steps: []string{schemaStep, directoryStep, mailStep, comparisonStep, checkStep, verificationStep}},
}

func (sc *scenario) nms() bool { return sc.product == ldifconv.NMS }

// scenarioOf is the scenario that goes on from a product.
func scenarioOf(product ldifconv.Source) string {
	i := slices.IndexFunc(scenarios, func(sc scenario) bool { return sc.product == product })
	return scenarios[i].name
}

func findScenario(name string) (scenario, error) {
	names := site.Scenarios()
	if i := slices.IndexFunc(scenarios, func(sc scenario) bool { return sc.name == name }); i >= 0 {
		return scenarios[i], nil
	}
	if near := cli.Nearest(name, names); near != "" {
		return scenario{}, cli.Usagef("--scenario %q: is it %s?", name, near)
	}
	return scenario{}, cli.Usagef("--scenario %q is none of %s", name, strings.Join(names, ", "))
}
