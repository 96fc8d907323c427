<#macro show social>
<section class="others" aria-labelledby="others-title">
    <h2 id="others-title">${msg("neighbourTitle")}</h2>
    <p>${msg("neighbourLead")}</p>
    <ul id="kc-social-providers" class="list-plain">
        <#list social.providers as p>
        <#-- A message that is not there comes back as its own name. -->
        <#local named = msg("idp." + p.alias)>
        <li><a id="social-${p.alias}" class="button button--secondary" href="${p.loginUrl}">${msg("signInWith", (named == "idp." + p.alias)?then(p.displayName!p.alias, named))}</a></li>
        </#list>
    </ul>
</section>
</#macro>
