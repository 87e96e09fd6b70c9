// Package datamodel holds the data models of Splunk's Common Information Model:
// which events a dataset is made of and what its fields are called. CloudTrail
// fills two of them; the others are there for searches that name them. It is
// data for the commands tstats, from and datamodel.
package datamodel

import (
	"slices"
	"strings"
)

// Model is one data model: one tree of datasets or several.
type Model struct {
	Name     string
	Filled   bool      // by CloudTrail; else by what eventtypes.conf and tags.conf say alone
	Datasets []Dataset // every dataset behind its parent, a root first
}

// Dataset is the events of its parent that also match Search.
type Dataset struct {
	Name   string
	Parent string // "" = a root
	Search string // a search expression over the fields of events
	Fields []Field
}

// Field is a field of a dataset and of those below it. Events have it under the
// same name.
type Field struct {
	Name    string
	Unknown bool // an event that lacks it counts as having Unknown there
}

// Unknown is the value that stands for a missing one in most fields, as the
// Common Information Model has it.
const Unknown = "unknown"

var models = sorted(append(unfilled(), authentication(), change()))

func sorted(list []*Model) []*Model {
	slices.SortFunc(list, func(a, b *Model) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Models returns every data model, by name. They must not be changed.
func Models() []*Model { return slices.Clone(models) }

// Find returns the model of a name, in any case; nil for none.
func Find(name string) *Model {
	for _, m := range models {
		if strings.EqualFold(m.Name, name) {
			return m
		}
	}
	return nil
}

// Names returns the names of the models.
func Names() []string {
	var list []string
	for _, m := range models {
		list = append(list, m.Name)
	}
	return list
}

// Whole returns the dataset of all events of the model: its root, or for
// several roots one that has the name of the model.
func (m *Model) Whole() *Dataset {
	var searches []string
	for i := range m.Datasets {
		if d := &m.Datasets[i]; d.Parent == "" {
			searches = append(searches, "("+d.Search+")")
		}
	}
	if len(searches) == 1 {
		return &m.Datasets[0]
	}
	return &Dataset{Name: m.Name, Search: strings.Join(searches, " OR ")}
}

// Root returns the root above a dataset, or the dataset itself.
func (m *Model) Root(d *Dataset) *Dataset { return m.lineage(d)[0] }

// Dataset returns the dataset of a name or of a path such as
// All_Changes.Account_Management, in any case; nil for none.
func (m *Model) Dataset(name string) *Dataset {
	name = name[strings.LastIndexByte(name, '.')+1:]
	for i := range m.Datasets {
		if strings.EqualFold(m.Datasets[i].Name, name) {
			return &m.Datasets[i]
		}
	}
	return nil
}

// DatasetNames returns the names of all datasets, every one behind its parent.
func (m *Model) DatasetNames() []string {
	var list []string
	for i := range m.Datasets {
		list = append(list, m.Datasets[i].Name)
	}
	return list
}

// lineage returns the datasets from the root down to d.
func (m *Model) lineage(d *Dataset) []*Dataset {
	var list []*Dataset
	for d != nil {
		list = append(list, d)
		if d.Parent == "" {
			break
		}
		d = m.Dataset(d.Parent)
	}
	slices.Reverse(list)
	return list
}

// Search returns the search expression that finds the events of d.
func (m *Model) Search(d *Dataset) string {
	var parts []string
	for _, part := range m.lineage(d) {
		parts = append(parts, "("+part.Search+")")
	}
	return strings.Join(parts, " ")
}

// Fields returns the fields of d, those of its parents first.
func (m *Model) Fields(d *Dataset) []Field {
	var list []Field
	for _, part := range m.lineage(d) {
		list = append(list, part.Fields...)
	}
	return list
}

// Plain returns the name that events have for a field written with its
// dataset, such as Authentication.user; other names come back as they are.
func (m *Model) Plain(field string) string {
	for {
		head, rest, ok := strings.Cut(field, ".")
		if !ok || rest == "" || m.Dataset(head) == nil {
			return field
		}
		field = rest
	}
}

// FillsUnknown reports whether Unknown stands for a missing value of an event's
// field in some dataset of the model.
func (m *Model) FillsUnknown(field string) bool {
	for i := range m.Datasets {
		for _, f := range m.Datasets[i].Fields {
			if f.Name == field {
				return f.Unknown
			}
		}
	}
	return false
}

func filled(names ...string) []Field { return fields(true, names) }
func plain(names ...string) []Field  { return fields(false, names) }

func fields(unknown bool, names []string) []Field {
	list := make([]Field, len(names))
	for i, n := range names {
		list[i] = Field{Name: n, Unknown: unknown}
	}
	return list
}
