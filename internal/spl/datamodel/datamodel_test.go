package datamodel

import (
	"slices"
	"testing"
)

func TestModels(t *testing.T) {
	for _, m := range Models() {
		seen := map[string]bool{}
		for i := range m.Datasets {
			d := &m.Datasets[i]
			if d.Parent != "" && !seen[d.Parent] {
				t.Errorf("%s.%s: parent %q does not stand before it", m.Name, d.Name, d.Parent)
			}
			if seen[d.Name] || d.Search == "" {
				t.Errorf("%s.%s: named twice, or without a search", m.Name, d.Name)
			}
			seen[d.Name] = true
			names := map[string]bool{}
			for _, f := range m.Fields(d) {
				if names[f.Name] {
					t.Errorf("%s.%s has the field %s twice", m.Name, d.Name, f.Name)
				}
				names[f.Name] = true
			}
		}
	}
	if !slices.IsSorted(Names()) {
		t.Errorf("models are not sorted: %q", Names())
	}
}

func TestWhole(t *testing.T) {
	if d := Find("Change").Whole(); d.Name != "All_Changes" {
		t.Errorf("all of Change is %s", d.Name)
	}
	d := Find("Malware").Whole()
	if got := Find("Malware").Search(d); d.Name != "Malware" || got != "((tag=malware tag=attack) OR (tag=malware tag=operations))" {
		t.Errorf("all of Malware is %s: %s", d.Name, got)
	}
}

func TestPlain(t *testing.T) {
	m := Find("change")
	for _, tc := range [][2]string{
		{"All_Changes.user", "user"},
		{"all_changes.Account_Management.src_user", "src_user"},
		{"user", "user"},
		{"Authentication.user", "Authentication.user"},
		{"requestParameters.userName", "requestParameters.userName"},
		{"All_Changes.", "All_Changes."},
	} {
		if got := m.Plain(tc[0]); got != tc[1] {
			t.Errorf("%q is %q, want %q", tc[0], got, tc[1])
		}
	}
}
