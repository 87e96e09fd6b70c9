package dashboard

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFromSimpleXML(t *testing.T) {
	data, err := os.ReadFile("testdata/form.xml")
	if err != nil {
		t.Fatal(err)
	}
	d, left, err := FromSimpleXML(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := d.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, l := range left {
		lines = append(lines, l.String())
	}
	got := string(text) + "--- left\n" + strings.Join(lines, "\n") + "\n"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile("testdata/form.golden", []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/form.golden")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
	if _, err := Parse(text); err != nil {
		t.Errorf("what was imported cannot be read: %v", err)
	}
}

func TestFromSimpleXMLErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":        "no XML element",
		"{}":      "no XML element",
		"<a></b>": "not well-formed",
		"<view/>": "begins with <view>",
		"<form/>": "no panel",
		`<dashboard version="2"><definition>{}</definition></dashboard>`:                  "Dashboard Studio",
		`<?xml version="1.0" encoding="utf-16"?><form/>`:                                  "UTF-8",
		`<!DOCTYPE a [<!ENTITY e "x">]><form><label>&e;</label></form>`:                   "not well-formed",
		"<form>" + strings.Repeat("<row>", 60) + strings.Repeat("</row>", 60) + "</form>": "nested",
	} {
		if _, _, err := FromSimpleXML([]byte(text), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: error %v, want %q", text, err, want)
		}
	}
}

func FuzzFromSimpleXML(f *testing.F) {
	data, err := os.ReadFile("testdata/form.xml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`<form><row><table><searchString>x="$a$" | head $b.c$</searchString></table></row></form>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 16<<10 {
			return
		}
		d, _, err := FromSimpleXML(data, nil)
		if err != nil {
			return
		}
		if err := d.check(); err != nil {
			t.Error(err)
		}
	})
}
