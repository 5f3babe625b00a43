package godwit

import (
	"fmt"
	"strings"
	"time"
)

// Context gives a migration what it may use beside the item itself: other documents, a log, facts about the run.
//
// There is nothing else: no files, no network, no clock.
type Context struct {
	item *Item
}

// About is a context whose log lines name another item, or none for nil. The one that Migrate gets is about its item.
func (c *Context) About(item *Item) *Context {
	return &Context{item}
}

// Documents are the items of a collection, as far as the step asked for it and the operator granted it.
func (c *Context) Documents(collection string) Documents {
	return Documents{collection}
}

// Run tells about the run that this call belongs to.
func (c *Context) Run() Run {
	return currentRun()
}

// Debugf writes a line for those who look for a fault.
func (c *Context) Debugf(format string, args ...any) {
	c.Logf(Debug, format, args...)
}

// Infof writes a line that is worth knowing.
func (c *Context) Infof(format string, args ...any) {
	c.Logf(Info, format, args...)
}

// Warnf writes a line about something that somebody should look at.
func (c *Context) Warnf(format string, args ...any) {
	c.Logf(Warn, format, args...)
}

// Errorf writes a line about something that went wrong. It does not fail the item: an error does.
func (c *Context) Errorf(format string, args ...any) {
	c.Logf(Error, format, args...)
}

// Logf writes a line for the operator; the host limits their rate and length.
func (c *Context) Logf(level Level, format string, args ...any) {
	writeLine(level, validText(fmt.Sprintf(format, args...)), c.item)
}

// Level is how much a line matters.
type Level uint8

const (
	// Debug is for those who look for a fault.
	Debug Level = iota
	// Info is worth knowing.
	Info
	// Warn is for what somebody should look at.
	Warn
	// Error is for what went wrong.
	Error
)

// Run are facts about a run, the same for every batch of it and for every retry. A migration that uses nothing else
// gives the same result each time.
type Run struct {
	// FromVersion is the one that the application had before this migration; empty on a fresh store.
	FromVersion string
	// StartedAt is the moment when the run was first started, in UTC, to the millisecond.
	StartedAt time.Time
	// Seed differs from run to run.
	Seed uint64
}

// validText is a text as the UTF-8 that the contract asks for.
func validText(text string) string {
	return strings.ToValidUTF8(text, "\uFFFD")
}
