// Command reference writes the reference page of an event's fields, docs/fields.md,
// from their registrations.
package main

import (
	"log"
	"os"
	"strings"

	_ "bluetrail/internal/enrich" // registers its fields
	"bluetrail/internal/event"
)

func main() {
	file := "docs/fields.md"
	if len(os.Args) > 1 {
		file = os.Args[1]
	}
	if len(os.Args) > 2 || strings.HasPrefix(file, "-") {
		log.Fatal("usage: reference [file]")
	}
	if err := os.WriteFile(file, []byte(event.FieldsPage()), 0o644); err != nil {
		log.Fatal(err)
	}
}
