"""Small SVG charts, drawn from arrays; colours come from the page's style sheet."""
