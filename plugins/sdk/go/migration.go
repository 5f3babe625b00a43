package godwit

// Migration brings the items of one application to one version.
type Migration struct {
	// App is the application whose versions are counted: 1 to 64 bytes.
	App string
	// Version is the one (semver) that the application's items have afterwards.
	Version string
	// Requires names the versions of App that it can start from, as a semver requirement like ">=1, <2"; empty: any
	// earlier one.
	Requires string
	// DependsOn names versions of other applications that must be applied before.
	DependsOn []Dependency
	// Summary says in one line what it does.
	Summary string
	// Steps are carried out in this order, the offline ones before the online ones.
	Steps []Step
}

// Dependency is another application that must have reached a version first.
type Dependency struct {
	// App is the other application.
	App string
	// Versions is a semver requirement, as in ">=2.1, <4".
	Versions string
}

// Step is one pass over one collection.
type Step struct {
	// Name is unique within the migration: 1 to 64 bytes.
	Name string
	// Phase says when it runs: [Offline] unless set.
	Phase Phase
	// Mode says what it may do to the items that it is fed: [Rewrite] unless set.
	Mode Mode
	// Collection is the one whose items it is fed.
	Collection string
	// Reads are other collections that it asks to read.
	Reads []string
	// Writes are other collections that it asks to write; it may read them too.
	Writes []string

	// Migrate migrates one item; it is called for each, in order of ids. An error means that this item can't be
	// migrated: it tells the operator why, and whatever was written for the item is dropped. It should fail rather
	// than guess, and give [Unchanged] for an item that has the new shape already.
	Migrate func(context *Context, item *Item) (Outcome, error)
	// Batch, if set, is called before the items of each batch, for what can be done once for many items. After an error
	// the host feeds the items again in smaller batches; one that is alone fails. The size of a batch means nothing: the
	// same items may come in other batches the next time.
	Batch func(context *Context, batch []Item) error
}

// Phase is when a step runs, seen from the application that owns the items.
type Phase uint8

const (
	// Offline: before the new version takes traffic; nothing else writes meanwhile.
	Offline Phase = iota
	// Online: while the new version is serving.
	Online
)

// Mode is what a step may do to the items that it is fed.
type Mode uint8

const (
	// Rewrite: each item may be updated or removed.
	Rewrite Mode = iota
	// Derive: each item is only read; results go to other collections through [Documents].
	Derive
)

// exported is the migration that the host calls.
var exported Migration

// Export makes a migration the one that the host calls. It belongs into an init function: main is never called.
func Export(migration Migration) {
	exported = migration
}

// step is the one of that name; the host asks for no other.
func (m *Migration) step(name string) *Step {
	for i := range m.Steps {
		if m.Steps[i].Name == name {
			return &m.Steps[i]
		}
	}
	panic("the migration has no step `" + name + "`")
}
