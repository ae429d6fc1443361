"""The flow canvas: node types as the browser needs them, their cards, and the wrapper of React Flow."""
