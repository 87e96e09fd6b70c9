package main

import (
	"os"
	"testing"

	"bluetrail/internal/event"
)

func TestPageIsCurrent(t *testing.T) {
	page, err := os.ReadFile("../../../docs/fields.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != event.FieldsPage() {
		t.Error("docs/fields.md is not what the code says: run make generate")
	}
}
