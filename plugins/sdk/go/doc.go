// Package godwit is for writing Godwit migrations in Go.
//
// A migration brings the stored documents of an application to its next version. You write one function on one item
// and say, in a [Migration], which collection it is for; the host does the rest: it feeds the items in batches,
// commits what became of them together with its own progress, and can be killed at any moment.
//
//	package main
//
//	import (
//		"errors"
//
//		godwit "github.com/godwit/godwit/plugins/sdk/go"
//	)
//
//	func init() {
//		godwit.Export(godwit.Migration{
//			App:      "notes",
//			Version:  "2.0.0",
//			Requires: ">=1, <2",
//			Summary:  "gives every note a list of tags",
//			Steps:    []godwit.Step{{Name: "tags", Collection: "notes", Migrate: tags}},
//		})
//	}
//
//	func main() {} // never called: the host calls what was exported
//
//	func tags(_ *godwit.Context, item *godwit.Item) (godwit.Outcome, error) {
//		value, err := item.Value()
//		if err != nil {
//			return nil, err
//		}
//		note, ok := value.(*godwit.Object)
//		if !ok {
//			return nil, errors.New("a note is an object")
//		}
//		if note.Has("tags") {
//			return godwit.Unchanged, nil
//		}
//		return godwit.Updated(note.Set("tags", []any{})), nil
//	}
//
// # Errors and panics
//
// An error concerns its item only: the item keeps its old body and goes to the quarantine with the error's text. So
// does a panic, whose place is logged. What ends the whole program (no memory left, a stack that is too deep,
// [os.Exit], a panic in another goroutine) ends the sandbox; the host then narrows the batch down to the item that
// does it and puts that one into the quarantine.
//
// # State
//
// A migration has none, on purpose: the host may throw a sandbox away between any two batches, and feeds a batch again
// when a run was interrupted. Whatever must last goes into items or into [Documents], which are committed together
// with the batch.
package godwit
