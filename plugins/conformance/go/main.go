// The conformance migration in Go: it does what its items say.
package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	godwit "github.com/godwit/godwit/plugins/sdk/go"
)

func init() {
	godwit.Export(migration)
}

func main() {} // never called: the host calls what was exported

var migration = godwit.Migration{
	App:       "conformance",
	Version:   "2.0.0",
	Requires:  ">=1, <2",
	DependsOn: []godwit.Dependency{{App: "other", Versions: ">=1.2"}},
	Summary:   "does what its items say, in Go – grüezi",
	Steps: []godwit.Step{
		{
			Name:       "apply",
			Collection: "items",
			Reads:      []string{"lookup", "nowhere"},
			Writes:     []string{"notes"},
			Migrate:    apply,
		},
		{
			Name:       "derive",
			Phase:      godwit.Online,
			Mode:       godwit.Derive,
			Collection: "items",
			Writes:     []string{"seen"},
			Migrate:    derive,
		},
	},
}

// derive notes that it has seen an item.
func derive(context *godwit.Context, item *godwit.Item) (godwit.Outcome, error) {
	seen := new(godwit.Object).Set("of", item.ID)
	return godwit.Unchanged, context.Documents("seen").Put(item.ID, seen)
}

// apply carries out an item's commands until one is its outcome.
func apply(context *godwit.Context, item *godwit.Item) (godwit.Outcome, error) {
	value, err := item.Value()
	if err != nil {
		return nil, err
	}
	object, _ := value.(*godwit.Object)
	commands, ok := object.Get("do").([]any)
	if !ok {
		return nil, errors.New("the item has no list `do`")
	}
	saw := []any{}
	for _, entry := range commands {
		parts, _ := entry.([]any)
		args := command(parts)
		switch name := args.text(0); name {
		case "keep":
			return godwit.Unchanged, nil
		case "remove":
			return godwit.Removed, nil
		case "fail":
			return nil, errors.New(args.text(1))
		case "throw":
			panic(args.text(1))
		case "replace":
			return godwit.Updated(args[1]), nil
		case "echo":
			return godwit.Updated(value), nil
		case "big":
			letters := strings.Repeat("x", args.count(1))
			return godwit.Updated(new(godwit.Object).Set("big", letters)), nil
		case "log":
			if len(args) > 3 {
				context.About(nil).Logf(levels[args.text(1)], "%s", args.text(2))
			} else {
				context.Logf(levels[args.text(1)], "%s", args.text(2))
			}
		case "run":
			saw = append(saw, seenRun(context.Run()))
		default:
			documents := context.Documents(args.text(1))
			seen, err := access(name, documents, args)
			if err != nil {
				return nil, err
			}
			saw = append(saw, seen)
		}
	}
	if len(saw) == 0 {
		return godwit.Unchanged, nil
	}
	return godwit.Updated(new(godwit.Object).Set("saw", saw)), nil
}

var levels = map[string]godwit.Level{
	"debug": godwit.Debug,
	"info":  godwit.Info,
	"warn":  godwit.Warn,
	"error": godwit.Error,
}

// command is its name and what it needs.
type command []any

func (c command) text(index int) string {
	text, _ := c[index].(string)
	return text
}

func (c command) count(index int) int {
	number, _ := c[index].(godwit.Number)
	count, _ := number.Int64()
	return int(count)
}

// access carries out a command on documents. What the host refuses is seen, too.
func access(name string, documents godwit.Documents, args command) (any, error) {
	var seen any
	var err error
	switch name {
	case "get":
		seen, err = get(documents, args.text(2))
	case "scan":
		seen, err = scan(documents, args[2], args.count(3))
	case "put":
		seen, err = "put", documents.Put(args.text(2), args[3])
	case "delete":
		seen, err = "deleted", documents.Delete(args.text(2))
	default:
		return nil, fmt.Errorf("there is no command `%s`", name)
	}
	if refused, ok := errors.AsType[*godwit.AccessError](err); ok {
		return seenError(refused), nil
	}
	return seen, err
}

func get(documents godwit.Documents, id string) (any, error) {
	item, err := documents.Get(id)
	if err != nil || item == nil {
		return nil, err
	}
	return item.Value()
}

func scan(documents godwit.Documents, after any, limit int) (any, error) {
	items := documents.All()
	if id, ok := after.(string); ok {
		items = documents.After(id)
	}
	seen := []any{}
	for item, err := range items {
		if len(seen) == limit {
			break
		}
		if err != nil {
			return nil, err
		}
		body, err := item.Value()
		if err != nil {
			return nil, err
		}
		seen = append(seen, []any{item.ID, body})
	}
	return seen, nil
}

func seenError(err *godwit.AccessError) any {
	seen := new(godwit.Object)
	switch err.Reason {
	case godwit.Denied:
		return seen.Set("denied", err.Collection)
	case godwit.Limit:
		return seen.Set("limit", err.Text)
	default:
		return seen.Set("invalid", err.Text)
	}
}

func seenRun(run godwit.Run) any {
	var from any
	if run.FromVersion != "" {
		from = run.FromVersion
	}
	return new(godwit.Object).
		Set("from", from).
		Set("started", run.StartedAt.UnixMilli()).
		Set("seed", strconv.FormatUint(run.Seed, 10))
}
