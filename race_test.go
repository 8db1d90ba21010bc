//go:build race

package bedrockgateway

func init() { raceDetector = true }
