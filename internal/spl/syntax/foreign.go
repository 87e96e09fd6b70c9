package syntax

import "strings"

// foreignCommands are words of other query languages where a command stands, with
// what is written here.
var foreignCommands = map[string]string{
	"project":      "write | table FIELD … to choose columns, or | fields FIELD … to keep fields",
	"project-away": "write | fields - FIELD …",
	"extend":       "write | eval FIELD=EXPRESSION",
	"let":          "write | eval FIELD=EXPRESSION",
	"take":         "write | head N",
	"limit":        "write | head N",
	"order":        "write | sort FIELD, or | sort - FIELD for the largest first",
	"orderby":      "write | sort FIELD, or | sort - FIELD for the largest first",
	"distinct":     "write | dedup FIELD … for one row of each, or | stats dc(FIELD) to count them",
	"unique":       "write | dedup FIELD …, or | stats values(FIELD)",
	"select":       "write a search and then | table FIELD …, such as: eventName=ConsoleLogin | table _time user src",
	"having":       "write | where CONDITION behind stats",
	"summarize":    "write | stats AGGREGATE … BY FIELD …",
	"summarise":    "write | stats AGGREGATE … BY FIELD …",
	"aggregate":    "write | stats AGGREGATE … BY FIELD …",
	"group":        "write | stats AGGREGATE … BY FIELD …",
	"groupby":      "write | stats AGGREGATE … BY FIELD …",
	"count":        "write | stats count, or | stats count BY FIELD",
	"filter":       "write | search FIELD=VALUE …, or | where EXPRESSION",
	"grep":         "write | search WORD, or | regex _raw=\"REGEX\"",
	"parse":        "write | rex \"REGEX WITH (?<name>…)\"",
	"pluck":        "write | table FIELD …",
	"jq":           "write | spath path=PATH, or name the leaf as a field, such as userIdentity.arn",
}

// Foreign returns what to write in the place of a word of another query language,
// "" for other words.
func Foreign(word string) string { return foreignCommands[strings.ToLower(word)] }
