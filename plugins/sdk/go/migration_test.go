//go:build !wasip1

package godwit

import (
	"errors"
	"strings"
	"testing"
)

// step is a migration of one step.
func step(migrate func(*Context, *Item) (Outcome, error)) Migration {
	return Migration{Steps: []Step{{
		Name: "s", Collection: "c", Reads: []string{"r"}, Writes: []string{"c", "w"}, Migrate: migrate,
	}}}
}

func TestEveryOutcome(t *testing.T) {
	var host TestHost
	for _, id := range []string{"error", "nothing", "panic", "nan", "removed", "updated", "bytes", "unchanged"} {
		host.Put("c", id, `1`)
	}
	host.Migrate(step(func(context *Context, item *Item) (Outcome, error) {
		if err := context.Documents("w").Put(item.ID, true); err != nil {
			return nil, err
		}
		switch item.ID {
		case "error":
			return nil, errors.New("bad \xff")
		case "nothing":
			return nil, nil
		case "panic":
			return nil, []error{}[len(item.ID)]
		case "nan":
			return Updated('x' + 0i), nil
		case "removed":
			return Removed, nil
		case "updated":
			return Updated([]any{item.ID}), nil
		case "bytes":
			return UpdatedBytes([]byte("2")), nil
		default:
			return Unchanged, nil
		}
	}))
	want := map[string]string{"removed": "", "updated": `["updated"]`, "bytes": "2", "unchanged": "1", "panic": "1"}
	for id, body := range want {
		if got := host.Get("c", id); got != body {
			t.Errorf("%s: %s", id, got)
		}
	}
	failures := map[string]string{
		"error":   "bad \uFFFD",
		"nothing": "neither an outcome nor an error",
		"panic":   "panic: runtime error: index out of range [5] with length 0",
		"nan":     "complex128",
	}
	for id, reason := range failures {
		if !strings.Contains(host.Failures[id], reason) {
			t.Errorf("%s: %s", id, host.Failures[id])
		}
	}
	if got := strings.Join(host.IDs("w"), " "); got != "bytes removed unchanged updated" {
		t.Errorf("written: %s", got)
	}
}

func TestDocuments(t *testing.T) {
	var host TestHost
	host.Put("c", "a", `1`)
	for _, id := range []string{"1", "2", "3"} {
		host.Put("r", id, id)
	}
	host.Migrate(step(func(context *Context, item *Item) (Outcome, error) {
		var seen []any
		for item, err := range context.Documents("r").After("1") {
			if err != nil {
				return nil, err
			}
			seen = append(seen, item.ID)
		}
		gone, err := context.Documents("w").Get("none")
		if gone != nil || err != nil {
			return nil, errors.New("there is something")
		}
		for collection, reason := range map[string]Reason{"r": Denied, "c": Invalid} {
			err := context.Documents(collection).PutBytes(item.ID, nil)
			if refused, ok := errors.AsType[*AccessError](err); !ok || refused.Reason != reason {
				return nil, err
			}
		}
		return Updated(seen), context.Documents("w").Delete("none")
	}))
	if got := host.Get("c", "a"); got != `["2","3"]` {
		t.Error(got, host.Failures)
	}
}

func TestWhatIsDoneOnceABatchFailsAllOfIt(t *testing.T) {
	migration := step(func(*Context, *Item) (Outcome, error) { return Removed, nil })
	migration.Steps[0].Batch = func(_ *Context, batch []Item) error {
		if batch[0].ID == "a" {
			panic("not these")
		}
		return nil
	}
	var host TestHost
	host.Put("c", "a", `1`)
	host.Put("c", "b", `1`)
	host.Migrate(migration)
	if host.Failures["a"] != "panic: not these" || host.Get("c", "a") != `1` || host.Get("c", "b") != "" {
		t.Error(host.Failures)
	}
}
