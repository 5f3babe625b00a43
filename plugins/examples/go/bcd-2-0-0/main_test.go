package main

import (
	"testing"

	godwit "github.com/godwit/godwit/plugins/sdk/go"
)

func TestBareStatementsBecomeLists(t *testing.T) {
	var host godwit.TestHost
	host.Put("features", "a", `{"support":{"edge":{"version_added":"12"},"ie":[]}}`)
	host.Put("features", "b", `{"support":{"ie":[]}}`)
	host.Put("features", "c", `[]`)
	host.Migrate(migration)
	if got := host.Get("features", "a"); got != `{"support":{"edge":[{"version_added":"12"}],"ie":[]}}` {
		t.Error(got)
	}
	if got := host.Get("features", "b"); got != `{"support":{"ie":[]}}` {
		t.Error(got)
	}
	if got := host.Failures["c"]; got != "the feature has no `support` object" {
		t.Error(got)
	}
}
