package cmd

// DropsWithout returns the fields without which stats drops a row.
func (c *Stats) DropsWithout() []string { return c.By }

// DropsWithout returns the fields without which chart drops a row. _time is never
// missing.
func (c *Chart) DropsWithout() (fields []string) {
	if c.Row != "" && c.Row != "_time" {
		fields = append(fields, c.Row)
	}
	if c.Col != "" && !c.UseNull {
		fields = append(fields, c.Col)
	}
	return fields
}

// DropsWithout returns the fields without which top and rare drop a row.
func (c *Top) DropsWithout() []string { return append(append([]string(nil), c.Fields...), c.By...) }
