import type { Draw } from './draw.ts';

/** A page of an API's reference with head, styles, navigation, a script, tables, code and a footer. */
export function apiDocPage(draw: Draw): string {
  const sections = draw.many(4 + draw.below(5), (index) => section(draw, index)).join('\n');
  const items = draw.many(
    25,
    () =>
      `      <li class="toctree-l1"><a class="reference internal" href="#${draw.words(1)}">${draw.words(2)}</a></li>`,
  );
  return `<!DOCTYPE html>
<html class="writer-html5" lang="en">
<head>
  <meta charset="utf-8" />
  <meta name="viewport" content="width=device-width, initial-scale=1.0" />
  <title>${draw.words(3)}</title>
  <link rel="stylesheet" type="text/css" href="_static/css/theme.css" />
  <style>.highlight .k { color: #007020; font-weight: bold } .rst-content dl dt { padding: 6px; display: table }</style>
  <script src="_static/doctools.js"></script>
</head>
<body class="wy-body-for-nav">
  <nav data-toggle="wy-nav-shift" class="wy-nav-side">
    <ul>
${items.join('\n')}
    </ul>
  </nav>
  <div class="wy-nav-content"><div class="rst-content"><div role="main" class="document">
${sections}
  </div></div></div>
  <footer><hr/><p>&#169; Copyright 2024, ${draw.words(2)}.</p></footer>
  <script>jQuery(function () { SphinxRtdTheme.Navigation.enable(true); });</script>
</body>
</html>`;
}

function section(draw: Draw, index: number): string {
  const id = `${draw.words(1)}-${index}`;
  const rows = draw.many(
    3 + draw.below(4),
    () =>
      `<tr class="row-even"><td><p><code class="docutils literal notranslate"><span class="pre">${draw.words(1)}_${draw.words(1)}</span></code></p></td><td><p>${draw.of(['str', 'int', 'bool'])}</p></td><td><p>${draw.sentence()}</p></td></tr>`,
  );
  return `<section id="${id}">
<h2>${draw.words(3)}<a class="headerlink" href="#${id}" title="Permalink to this heading">¶</a></h2>
<p>${draw.paragraph()} See <a class="reference external" href="https://example.com/${draw.words(1)}">${draw.words(2)}</a>.</p>
<dl class="py function"><dt class="sig sig-object py" id="api.${id}"><span class="sig-name descname"><span class="pre">${draw.words(1)}</span></span><span class="sig-paren">(</span><em class="sig-param"><span class="n"><span class="pre">limit</span></span><span class="o"><span class="pre">=</span></span><span class="default_value"><span class="pre">20</span></span></em><span class="sig-paren">)</span></dt>
<dd><p>${draw.paragraph()}</p></dd></dl>
<table class="docutils align-default"><thead><tr class="row-odd"><th class="head"><p>Parameter</p></th><th class="head"><p>Type</p></th><th class="head"><p>Description</p></th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table>
<div class="highlight-python notranslate"><div class="highlight"><pre><span></span><span class="kn">import</span> <span class="nn">client</span>
<span class="n">client</span><span class="o">.</span><span class="n">${draw.words(1)}</span><span class="p">(</span><span class="n">limit</span><span class="o">=</span><span class="mi">${draw.below(99)}</span><span class="p">)</span>
</pre></div></div>
<ul class="simple"><li><p>${draw.sentence()}</p></li><li><p>${draw.sentence()}</p></li></ul>
</section>`;
}
