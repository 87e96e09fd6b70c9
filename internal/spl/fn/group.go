package fn

// Function groups, named as in Splunk's reference.
const (
	bitwise       = "Bitwise"
	conditional   = "Comparison and conditional"
	conversion    = "Conversion"
	cryptographic = "Cryptographic"
	dateTime      = "Date and time"
	informational = "Informational"
	jsons         = "JSON"
	mathematical  = "Mathematical"
	multivalue    = "Multivalue"
	statistical   = "Statistical eval"
	texts         = "Text"
	trigonometry  = "Trigonometry and hyperbolic"
)
