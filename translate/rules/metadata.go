package rules

// Limits of requestMetadata: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html.
const (
	MaxMetadata      = 16  // entries
	maxMetadataBytes = 256 // of a key, and of a value
)

// MetadataText reports whether s is a value of Converse's requestMetadata; keys are such texts too, but not empty.
func MetadataText(s string) bool {
	return Alphanumeric(s, " :_@$#=/+,-.") && len(s) <= maxMetadataBytes
}
