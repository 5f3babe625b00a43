// Browser-compat features, version 2.0.0: every entry of `support` is a list of statements.
//
// Before, a browser with one statement had it bare, and one with several had a list of them.
package main

import (
	"errors"

	godwit "github.com/godwit/godwit/plugins/sdk/go"
)

func init() {
	godwit.Export(migration)
}

func main() {} // never called: the host calls what was exported

var migration = godwit.Migration{
	App:      "bcd",
	Version:  "2.0.0",
	Requires: ">=1, <2",
	Summary:  "makes every entry of `support` a list of statements",
	Steps:    []godwit.Step{{Name: "lists", Collection: "features", Migrate: lists}},
}

// lists makes every entry of `support` a list.
func lists(_ *godwit.Context, item *godwit.Item) (godwit.Outcome, error) {
	value, err := item.Value()
	if err != nil {
		return nil, err
	}
	feature, _ := value.(*godwit.Object)
	support, ok := feature.Get("support").(*godwit.Object)
	if !ok {
		return nil, errors.New("the feature has no `support` object")
	}

	outcome := godwit.Unchanged
	for browser, entry := range support.All() {
		if statement, bare := entry.(*godwit.Object); bare {
			support.Set(browser, []any{statement})
			outcome = godwit.Updated(feature)
		}
	}
	return outcome, nil
}
