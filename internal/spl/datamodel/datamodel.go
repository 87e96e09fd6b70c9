// Package datamodel holds the data models of Splunk's Common Information Model
// that CloudTrail fills: which events a dataset is made of and what its fields
// are called. It is data for the commands tstats, from and datamodel.
package datamodel

import (
	"slices"
	"strings"
)

// Model is one data model: a tree of datasets.
type Model struct {
	Name     string
	Datasets []Dataset // the root first, every dataset behind its parent
}

// Dataset is the events of its parent that also match Search.
type Dataset struct {
	Name   string
	Parent string // "" = the root
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

var models = []*Model{authentication(), change()}

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

// Root returns the dataset that all others are part of.
func (m *Model) Root() *Dataset { return &m.Datasets[0] }

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

// DatasetNames returns the names of all datasets, the root first.
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
