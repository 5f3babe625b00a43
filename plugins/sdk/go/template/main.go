// Version {{version}} of {{app}}: every item has tags.
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
	App:      "{{app}}",
	Version:  "{{version}}",
	Requires: "{{requires}}",
	Summary:  "gives every item a list of tags",
	Steps:    []godwit.Step{{Name: "tags", Collection: "{{collection}}", Migrate: tags}},
}

// tags gives an item an empty list `tags`, unless it has one.
func tags(_ *godwit.Context, item *godwit.Item) (godwit.Outcome, error) {
	value, err := item.Value()
	if err != nil {
		return nil, err
	}
	object, ok := value.(*godwit.Object)
	if !ok {
		return nil, errors.New("an item is an object")
	}
	if object.Has("tags") {
		return godwit.Unchanged, nil
	}
	return godwit.Updated(object.Set("tags", []any{})), nil
}
